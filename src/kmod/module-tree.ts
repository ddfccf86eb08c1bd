import { emptyConfig, type ModprobeConfig, readConfig } from './config/modprobe-config.js';
import { type IndexCache, indexFiles } from './depmod/index-tree.js';
import { type FileSource, OverlayFiles, readText } from './file-source.js';
import { globMatches } from './glob.js';
import { BuiltinModules } from './index/builtin.js';
import { DepmodIndex } from './index/depmod-index.js';
import type { IndexedModule, ModuleIndex, SoftDependency } from './index/module-index.js';
import { readModule } from './index/read-module.js';
import { normalizeName } from './names.js';

export interface ModuleTreeOptions {
  readonly release: string;
  /** Directory that stands for '/' in the file source: '' by default. */
  readonly root?: string;
  /** Modules of the kernel image, where the tree does not say. */
  readonly builtin?: BuiltinModules;
  /** The kernel's command line: it holds options and a blacklist. */
  readonly cmdline?: string;
  /** Keeps what was read from the modules of a tree that depmod never saw. */
  readonly cache?: IndexCache;
  /** Do not read modprobe.d. */
  readonly ignoreConfig?: boolean;
}

/** One module that a name stands for. */
export interface Resolved {
  readonly name: string;
  /** Undefined for a module that is built in, or that a command of the configuration stands for. */
  readonly module: IndexedModule | undefined;
  readonly builtin: boolean;
  /** The alias it was found by, if it was. */
  readonly alias: string | undefined;
}

/**
 * The modules of one kernel release in a file tree, as modprobe sees them: /lib/modules/RELEASE with or without
 * depmod's index files, and the configuration in modprobe.d.
 */
export class ModuleTree {
  readonly release: string;
  /** `/lib/modules/RELEASE`, as messages name it. */
  readonly directory: string;
  readonly index: ModuleIndex;
  readonly builtin: BuiltinModules;
  private readonly root: string;
  /** The source with an index, the tree's own or one made here. */
  private readonly indexed: FileSource;
  private loadedConfig: ModprobeConfig | undefined;

  constructor(
    readonly files: FileSource,
    private readonly options: ModuleTreeOptions,
  ) {
    this.release = options.release;
    this.root = options.root ?? '';
    this.directory = `/lib/modules/${options.release}`;
    const dir = this.base;
    this.indexed =
      readText(files, `${dir}/modules.dep`) === undefined
        ? new OverlayFiles([indexFiles(files, dir, options.cache), files])
        : files;
    this.index = new DepmodIndex(this.indexed, dir);
    this.builtin = BuiltinModules.open(files, dir) ?? options.builtin ?? new BuiltinModules([], () => []);
  }

  /** Where the tree is in the file source. */
  get base(): string {
    return `${this.root}/lib/modules/${this.release}`;
  }

  /** What stands for '/' in the file source. */
  get rootDirectory(): string {
    return this.root;
  }

  get config(): ModprobeConfig {
    this.loadedConfig ??= this.options.ignoreConfig
      ? emptyConfig()
      : readConfig(this.indexed, this.root, `${this.base}/modules.softdep`, this.options.cmdline);
    return this.loadedConfig;
  }

  /** Path as messages name it: `/lib/modules/RELEASE/kernel/...`. */
  pathOf(module: IndexedModule): string {
    return module.path.startsWith('/') ? module.path : `${this.directory}/${module.path}`;
  }

  /** Content of a module's file, unpacked; undefined where the file is gone. */
  read(module: IndexedModule): Uint8Array | undefined {
    return readModule(
      this.files,
      module.path.startsWith('/') ? `${this.root}${module.path}` : `${this.base}/${module.path}`,
    );
  }

  /**
   * The modules that a name, an alias or a `symbol:NAME` stands for; empty if none. As modprobe looks: aliases
   * of the configuration, names, symbols, commands of the configuration, aliases of modules, built-in modules.
   */
  resolve(text: string): readonly Resolved[] {
    const alias = normalizeName(text);
    const { config, index, builtin } = this;
    const configured = config.aliases.filter((entry) => globMatches(entry.alias, alias));
    if (configured.length > 0) return configured.map((entry) => this.named(entry.module, alias));
    if (index.module(alias)) return [this.named(alias, undefined)];
    const bySymbol = alias.startsWith('symbol:') ? index.withSymbol(alias) : [];
    if (bySymbol.length > 0) return bySymbol.map((name) => this.named(name, alias));
    if (this.installCommand(alias) !== undefined || this.removeCommand(alias) !== undefined)
      return [this.named(alias, undefined)];
    const byAlias = index.withAlias(alias);
    if (byAlias.length > 0) return byAlias.map((name) => this.named(name, alias));
    if (builtin.has(alias)) return [this.named(alias, undefined)];
    return builtin.withAlias(alias).map((name) => this.named(name, alias));
  }

  /** The module of that very name. */
  named(name: string, alias: string | undefined): Resolved {
    return { name, module: this.index.module(name), builtin: this.builtin.has(name), alias };
  }

  /** Options for a module, in the configuration's order, with those for the alias it was found by. */
  optionsFor(name: string, alias?: string): string {
    return this.config.options
      .filter(({ module }) => module === name || module === alias)
      .map(({ text }) => text)
      .join(' ');
  }

  installCommand(name: string): string | undefined {
    return this.config.install.find(({ module }) => globMatches(module, name))?.text;
  }

  removeCommand(name: string): string | undefined {
    return this.config.remove.find(({ module }) => globMatches(module, name))?.text;
  }

  blacklisted(name: string): boolean {
    return this.config.blacklist.includes(name);
  }

  /** What to load before and after a module; the first softdep line for it counts. */
  softDependency(name: string): SoftDependency | undefined {
    return this.config.softDependencies.find(({ module }) => globMatches(module, name));
  }
}
