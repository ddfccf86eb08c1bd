/** A module of a tree. */
export interface IndexedModule {
  /** The kernel's name: `snd_hda_intel`. */
  readonly name: string;
  /** Below lib/modules/RELEASE, or absolute: `kernel/sound/pci/hda/snd-hda-intel.ko`. */
  readonly path: string;
  /** Names of everything it needs, in the order in which it is loaded: what depends on nothing comes first. */
  readonly dependencies: readonly string[];
  /** The same as paths, like `path`. */
  readonly dependencyPaths: readonly string[];
}

/** What is known of a tree's modules, from depmod's index files or from the modules themselves. */
export interface ModuleIndex {
  /** By the kernel's name. */
  module(name: string): IndexedModule | undefined;
  /** All modules, read one by one as they are asked for. */
  modules(): Iterable<IndexedModule>;
  /** Names of all modules. */
  names(): readonly string[];
  /** Modules with an alias that matches (`pci:v00008086d...`), in the index's order. */
  withAlias(alias: string): readonly string[];
  /** Modules that export a symbol, `symbol:NAME`. */
  withSymbol(alias: string): readonly string[];
  /** Whether a module is built in; undefined where the index does not know. */
  isBuiltin(name: string): boolean | undefined;
  /** Built-in modules with an alias that matches; undefined where the index does not know. */
  builtinWithAlias(alias: string): readonly string[] | undefined;
  /** Opens whatever is not open yet. */
  check(): void;
  /** Every alias, or every symbol, and its module, ordered by alias. */
  entries(table: 'alias' | 'symbols'): Iterable<readonly [alias: string, module: string]>;
}
