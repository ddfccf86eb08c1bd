import { globMatches } from '../files/glob.js';
import { type ModuleFile, saidBy } from '../formats/module-file.js';
import { EEXIST, ENOENT, strerror } from '../linux/errno.js';
import type { IndexedModule } from './index/module-index.js';
import type { ModuleTree } from './module-tree.js';
import { checkedName, moduleName, moduleNameOf, normalizeName } from './names.js';

/**
 * The modules that one request meets. A name, with the alias it was found by, is one {@link FoundModule}
 * however often it is met; found by two aliases a module is two of them, as for libkmod.
 */
export class Lookup {
  private readonly pool = new Map<string, FoundModule>();

  constructor(readonly tree: ModuleTree) {}

  /**
   * The modules that a name, an alias or a `symbol:NAME` stands for; empty if none, undefined for a name that
   * cannot be one (its brackets do not pair up). In modprobe's order: aliases of the configuration, names,
   * symbols, commands of the configuration, aliases of modules, built-in modules and their aliases.
   */
  resolve(text: string): readonly FoundModule[] | undefined {
    const alias = checkedName(text);
    if (alias === undefined) return undefined;
    const { tree } = this;
    const configured = tree.config.aliases.filter((entry) => globMatches(entry.alias, alias));
    if (configured.length > 0) return configured.map((entry) => this.byAlias(entry.module, entry.alias));
    if (!alias.includes(':') && tree.module(alias)) return [this.byIndex(alias)];
    const bySymbol = alias.startsWith('symbol:') ? tree.withSymbol(alias) : [];
    if (bySymbol.length > 0) return bySymbol.map((name) => this.byAlias(name, alias));
    const byCommand = this.byCommand(alias);
    if (byCommand) return [byCommand];
    const byAlias = tree.withAlias(alias);
    if (byAlias.length > 0) return byAlias.map((name) => this.byAlias(name, alias));
    const builtin = tree.isBuiltin(alias)
      ? [this.byName(alias)]
      : tree.builtinWithAlias(alias).map((name) => this.byAlias(name, alias));
    for (const found of builtin) found.markBuiltin(true);
    return builtin;
  }

  /** The module of a name, whether there is one or not. */
  byName(name: string): FoundModule {
    const clean = moduleName(name);
    return this.pooled(clean, () => new FoundModule(this, clean, undefined));
  }

  /** The module in a file: undefined, with the errno, where there is none or its name is taken by another file. */
  byPath(path: string): FoundModule | { readonly errno: number } {
    const { tree } = this;
    const name = moduleNameOf(path);
    if (!tree.exists(path) || path.endsWith('/')) return { errno: ENOENT };
    const found = this.byName(name);
    if (found.takePath(path)) return found;
    tree.complain(
      `kmod_module '${name}' already exists with different path: new-path='${path}' old-path='${found.path}'`,
    );
    return { errno: EEXIST };
  }

  /** The module in a file that is open. It needs what the file says, whatever the index has under its name. */
  given(file: ModuleFile, name: string): FoundModule {
    return this.pooled(name, () => new FoundModule(this, name, undefined, file));
  }

  /** A module of the index: its dependencies are looked at then, so that missing ones are told of. */
  private byIndex(name: string): FoundModule {
    const found = this.byName(name).settled();
    void found.dependencies;
    return found;
  }

  private byAlias(name: string, alias: string): FoundModule {
    return this.pooled(`${name}\\${alias}`, () => new FoundModule(this, name, alias));
  }

  /** A name that only an install or remove line knows. */
  private byCommand(name: string): FoundModule | undefined {
    const { install, remove } = this.tree.config;
    const installed = install.find(({ module }) => module === name);
    const removed = installed ? undefined : remove.find(({ module }) => module === name);
    if (!installed && !removed) return undefined;
    const found = this.byName(name);
    found.presetCommands(installed?.text, removed?.text);
    return found;
  }

  private pooled(key: string, make: () => FoundModule): FoundModule {
    let found = this.pool.get(key);
    if (!found) {
      found = make();
      this.pool.set(key, found);
    }
    return found;
  }
}

/** What is loaded before and after a module, as far as it exists. */
interface FoundSoftDependencies {
  readonly pre: readonly FoundModule[];
  readonly post: readonly FoundModule[];
}

/** A module that a name stands for; what is known of it is looked up when it is asked for. */
export class FoundModule {
  private knownPath: string | undefined;
  private isBuiltin: boolean | undefined;
  private install: string | undefined;
  private remove: string | undefined;
  private foundDependencies: readonly FoundModule[] | undefined;
  private foundSoft: FoundSoftDependencies | undefined;

  constructor(
    private readonly lookup: Lookup,
    readonly name: string,
    /** The alias it was found by, if it was: as modprobe.d or the user has it. */
    readonly alias: string | undefined,
    /** Its file, where that is open already. */
    readonly given?: ModuleFile,
  ) {
    if (given) this.takePath(given.path);
  }

  private get tree(): ModuleTree {
    return this.lookup.tree;
  }

  /** Its place in the index; undefined for a module that is built in, or that a command stands for. */
  get module(): IndexedModule | undefined {
    return this.tree.module(this.name);
  }

  /** Whether it is part of the kernel image. */
  get builtin(): boolean {
    this.isBuiltin ??= this.tree.isBuiltin(this.name);
    return this.isBuiltin;
  }

  /** Its file, as messages name it. */
  get path(): string | undefined {
    return this.settled().knownPath;
  }

  /** Everything it needs, in loading order; nothing where a file of those is missing, which is complained about. */
  get dependencies(): readonly FoundModule[] {
    this.foundDependencies ??= this.findDependencies();
    return this.foundDependencies ?? [];
  }

  /** Options of the configuration, for its name and for the alias it was found by; undefined if there are none. */
  get options(): string | undefined {
    const texts = this.tree.config.options
      .filter(({ module, text }) => text !== '' && (module === this.name || module === this.alias))
      .map(({ text }) => text);
    return texts.length === 0 ? undefined : texts.join(' ');
  }

  get installCommand(): string | undefined {
    return this.install ?? this.tree.installCommand(this.name);
  }

  get removeCommand(): string | undefined {
    return this.remove ?? this.tree.removeCommand(this.name);
  }

  get blacklisted(): boolean {
    return this.tree.blacklisted(this.name);
  }

  /** By the first softdep line for it. */
  get softDependencies(): FoundSoftDependencies {
    if (!this.foundSoft) {
      const line = this.tree.softDependency(this.name);
      this.foundSoft = { pre: this.findAll(line?.pre), post: this.findAll(line?.post) };
    }
    return this.foundSoft;
  }

  /** By the first weakdep line for it. */
  get weakDependencies(): readonly FoundModule[] {
    return this.findAll(this.tree.weakDependency(this.name)?.weak);
  }

  /** False if it has another file already. */
  takePath(path: string): boolean {
    this.knownPath ??= path;
    if (this.knownPath !== path) return false;
    this.isBuiltin = false;
    return true;
  }

  /** From now on its file is the one that the index has, unless it was given one before. */
  settled(): this {
    // A tree without an index is read wholly to make one: not for a file that was given by its path.
    if (this.knownPath !== undefined) return this;
    const { module } = this;
    if (module) this.knownPath = this.tree.pathOf(module);
    return this;
  }

  markBuiltin(builtin: boolean): void {
    this.isBuiltin = builtin;
  }

  presetCommands(install: string | undefined, remove: string | undefined): void {
    this.install = install;
    this.remove = remove;
  }

  private findAll(names: readonly string[] = []): FoundModule[] {
    return names.flatMap((name) => {
      const found = this.lookup.resolve(name);
      if (!found) this.tree.complain(`failed to lookup dependency '${name}', continuing anyway.`);
      return found ?? [];
    });
  }

  private findDependencies(): readonly FoundModule[] | undefined {
    if (this.given) return this.declaredDependencies(this.given);
    const { tree } = this.settled();
    const found: FoundModule[] = [];
    // libkmod goes through the line from its start, and stops at the first that is not there.
    for (const path of [...(this.module?.dependencyPaths ?? [])].reverse()) {
      const full = tree.fullPath(path);
      const dependency = this.lookup.byPath(full);
      if (!(dependency instanceof FoundModule)) {
        tree.complain(`path=${full} error=${strerror(dependency.errno)}`);
        return undefined;
      }
      found.push(dependency);
    }
    return found.reverse();
  }

  /** What the kernel then misses of those that are nowhere it says itself. */
  private declaredDependencies(file: ModuleFile): readonly FoundModule[] {
    const names = (saidBy(file, ({ depends }) => depends) ?? []).map(normalizeName);
    const direct = names.filter((name) => this.tree.module(name)).map((name) => this.lookup.byName(name));
    return [...new Set(direct.flatMap((module) => [...module.dependencies, module]))];
  }
}
