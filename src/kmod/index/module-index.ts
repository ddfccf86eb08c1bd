/** A module of a tree. */
export interface IndexedModule {
  /** The kernel's name: `snd_hda_intel`. */
  readonly name: string;
  /** Below lib/modules/RELEASE: `kernel/sound/pci/hda/snd-hda-intel.ko`. */
  readonly path: string;
  /** Names of everything it needs, in the order in which it is loaded: what depends on nothing comes first. */
  readonly dependencies: readonly string[];
}

/** A soft dependency: what to load before and after, where it exists (modprobe.d(5)). */
export interface SoftDependency {
  /** Name of the module, may hold wildcards. */
  readonly module: string;
  readonly pre: readonly string[];
  readonly post: readonly string[];
}

/** What is known of a tree's modules, from depmod's index files or from the modules themselves. */
export interface ModuleIndex {
  /** By the kernel's name. */
  module(name: string): IndexedModule | undefined;
  /** Names of all modules. */
  names(): readonly string[];
  /** Modules with an alias that matches (`pci:v00008086d...`), in the index's order. */
  withAlias(alias: string): readonly string[];
  /** Modules that export a symbol, `symbol:NAME`. */
  withSymbol(alias: string): readonly string[];
}
