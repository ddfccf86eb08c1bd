import { confined, type FileSource, infoOf, OverlayFiles, readText } from '../files/file-source.js';
import { globMatches } from '../files/glob.js';
import { FormatError } from '../formats/format-error.js';
import { strerror } from '../linux/errno.js';
import {
  CONFIG_DIRECTORIES,
  emptyConfig,
  type ModprobeConfig,
  type SoftDependency,
  type WeakDependency,
} from './config/modprobe-config.js';
import { readConfig } from './config/read-config.js';
import { type IndexCache, indexFiles, indexTree } from './depmod/index-tree.js';
import type { FileWriter } from './file-writer.js';
import { type FoundModule, Lookup } from './found-module.js';
import { BuiltinModules } from './index/builtin.js';
import { DepmodIndex } from './index/depmod-index.js';
import type { IndexedModule, ModuleIndex } from './index/module-index.js';
import { readModule } from './index/read-module.js';

/** Where a tree's files are from, and what is known of it besides. */
export interface OpenOptions {
  /** Files of the host's disk by default, where there is one ({@link setDefaultFiles}). */
  readonly files?: FileSource;
  /** Which release, where the directory given is a root with several. */
  readonly release?: string;
  /** Modules of the kernel image, where the tree does not say. */
  readonly builtin?: BuiltinModules;
  /** The kernel's command line: it holds options and a blacklist. Else the tree's /proc/cmdline is read. */
  readonly cmdline?: string;
  /** Files and directories to read the configuration from, in place of modprobe.d (`modprobe -C`). */
  readonly configPaths?: readonly string[];
  /** Keeps what was read from the modules of a tree that depmod never saw. */
  readonly cache?: IndexCache;
  /** Another view of the same modules: its index is used, and not opened again. */
  readonly like?: ModuleTree;
  /** Told of what is wrong with the tree, as it is met. Without it, see {@link ModuleTree.problems}. */
  readonly complain?: (text: string, damage?: FormatError) => void;
}

export interface ModuleTreeOptions extends Omit<OpenOptions, 'files' | 'release'> {
  readonly release: string;
  /** Directory that stands for '/' in the file source: '' by default. */
  readonly root?: string;
  /** lib/modules/RELEASE as messages name it, where it is elsewhere; below the root. */
  readonly directory?: string;
}

/** An index could not be written. */
export class IndexWriteError extends Error {
  override readonly name = 'IndexWriteError';
}

let filesByDefault: FileSource | undefined;

/** Where `ModuleTree.open` reads from if it is not told: Node's entry of the library gives the disk. */
export function setDefaultFiles(files: FileSource): void {
  filesByDefault = files;
}

function defaultFiles(): FileSource {
  if (!filesByDefault) throw new Error('ModuleTree.open: no `files` to read from, and there is no disk here');
  return filesByDefault;
}

/** One module that a name stands for. */
export type Resolved = FoundModule;

/** Names of what is loaded before and after a module. */
interface SoftDependencyNames {
  readonly pre: readonly string[];
  readonly post: readonly string[];
}

const MODULES_DIRECTORY = '/lib/modules';

/**
 * The modules of one kernel release in a file tree, as modprobe sees them: /lib/modules/RELEASE with or without
 * depmod's index files, and the configuration in modprobe.d. Nothing is read before it is needed; the tree's
 * files are taken to stay as they are for as long as it is used.
 *
 * A damaged index or configuration never throws: as for modprobe, what cannot be read is not there, and
 * {@link problems} (or `complain`) says what is wrong, with file and offset or line.
 */
export class ModuleTree {
  readonly release: string;
  /** `/lib/modules/RELEASE`, as messages name it. */
  readonly directory: string;
  private readonly root: string;
  private openIndex: ModuleIndex | undefined;
  /** Whether an index had to be made here, and it, as files. */
  private made: { readonly index: FileSource | undefined } | undefined;
  private openBuiltin: BuiltinModules | undefined;
  private loadedConfig: ModprobeConfig | undefined;
  private readonly complaints = new Set<string>();

  constructor(
    readonly files: FileSource,
    private readonly settings: ModuleTreeOptions,
  ) {
    this.release = settings.release;
    this.root = settings.root ?? '';
    this.directory = settings.directory ?? `${MODULES_DIRECTORY}/${settings.release}`;
  }

  /**
   * Opens lib/modules/RELEASE, or the root directory that it lies below: `open('/lib/modules/6.1.0-53-amd64')`,
   * `open('/mnt/image')`. The configuration is that of the same root. Throws an Error where there are no
   * modules, or those of several releases and `release` does not say which.
   */
  static open(directory: string, options: OpenOptions = {}): ModuleTree {
    const { files: given = defaultFiles(), ...rest } = options;
    const clean = directory.replace(/(?<=.)\/+$/, '');
    const below = /^(.*)\/lib\/modules\/([^/]+)$/.exec(clean);
    const root = below ? below[1] : clean === '/' ? '' : clean;
    const files = confined(given, root);
    if (below) return new ModuleTree(files, { ...rest, root, release: options.release ?? below[2] });
    return new ModuleTree(files, { ...rest, root, release: options.release ?? onlyRelease(files, root) });
  }

  /** Where the tree is in the file source. */
  get base(): string {
    return this.inSource(this.directory);
  }

  /** Everything that was found to be wrong so far. */
  get problems(): readonly string[] {
    return [...this.complaints];
  }

  get index(): ModuleIndex {
    if (this.settings.like) return this.settings.like.index;
    this.openIndex ??= new DepmodIndex(this.madeIndex ?? this.files, this.base, this.files);
    return this.openIndex;
  }

  /** What modules.builtin and modules.builtin.modinfo say is built in. */
  get builtin(): BuiltinModules {
    if (this.settings.like) return this.settings.like.builtin;
    this.openBuiltin ??=
      BuiltinModules.open(this.files, this.base) ?? this.settings.builtin ?? new BuiltinModules([], () => []);
    return this.openBuiltin;
  }

  /** What stands for '/' in the file source. */
  get rootDirectory(): string {
    return this.root;
  }

  get config(): ModprobeConfig {
    if (!this.loadedConfig) {
      this.loadedConfig = this.readConfig();
      for (const { text } of this.loadedConfig.problems) this.complaints.add(text);
    }
    return this.loadedConfig;
  }

  /** A fresh request: modules met in it are told apart by name and alias. */
  lookup(): Lookup {
    return new Lookup(this);
  }

  /** The modules that a name, an alias or a `symbol:NAME` stands for; empty if none. See {@link Lookup.resolve}. */
  resolve(text: string): readonly FoundModule[] {
    return this.lookup().resolve(text) ?? [];
  }

  /** The module of that very name, if the index has one. */
  module(name: string): IndexedModule | undefined {
    return this.guarded(() => this.index.module(name), undefined);
  }

  /** All modules, read one by one. */
  modules(): Iterable<IndexedModule> {
    return this.guardedEach(() => this.index.modules());
  }

  /** Names of everything that a module needs, in loading order; empty where there is no such module. */
  dependencies(name: string): readonly string[] {
    return this.module(name)?.dependencies ?? [];
  }

  /** Names of the modules that are loaded before and after one, where they exist (`softdep`). */
  softdeps(name: string): SoftDependencyNames {
    const { pre, post } = this.lookup().byName(name).softDependencies;
    const names = (list: readonly FoundModule[]): string[] => list.map((found) => found.name);
    return { pre: names(pre), post: names(post) };
  }

  /** Options of the configuration for a module; '' if there are none. */
  options(name: string): string {
    return this.lookup().byName(name).options ?? '';
  }

  /** Path as messages name it: `/lib/modules/RELEASE/kernel/...`. */
  pathOf(module: IndexedModule): string {
    return this.fullPath(module.path);
  }

  /** A path of the index, made absolute. */
  fullPath(path: string): string {
    return path.startsWith('/') ? path : `${this.directory}/${path}`;
  }

  /** Content of a module's file, unpacked; undefined where the file is gone. */
  read(module: IndexedModule): Uint8Array | undefined {
    return readModule(this.files, this.inSource(this.pathOf(module)));
  }

  /** Content of a file by its absolute path, as it is; undefined where there is none. */
  readFile(path: string): Uint8Array | undefined {
    return this.files.read(this.inSource(path));
  }

  /** Whether there is a file, following symbolic links. */
  exists(path: string): boolean {
    const inSource = this.inSource(path);
    const info = infoOf(this.files, inSource);
    if (info?.kind !== 'symlink' || !this.files.stamp) return info !== undefined;
    return this.files.stamp(inSource) !== undefined;
  }

  withAlias(alias: string): readonly string[] {
    return this.guarded(() => this.index.withAlias(alias), []);
  }

  withSymbol(alias: string): readonly string[] {
    return this.guarded(() => this.index.withSymbol(alias), []);
  }

  /** Whether a module is part of the kernel image. */
  isBuiltin(name: string): boolean {
    const known = this.guarded(() => this.index.isBuiltin(name), false);
    return known ?? (this.builtin.has(name) && !this.module(name));
  }

  builtinWithAlias(alias: string): readonly string[] {
    return this.guarded(() => this.index.builtinWithAlias(alias), []) ?? this.builtin.withAlias(alias);
  }

  /** Every alias, or every symbol, with its module, ordered by alias: what `modprobe -c` lists. */
  entries(table: 'alias' | 'symbols'): Iterable<readonly [alias: string, module: string]> {
    return this.guardedEach(() => this.index.entries(table));
  }

  /** The module of that very name, whether there is one or not. */
  named(name: string): FoundModule {
    return this.lookup().byName(name);
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

  /** What a module may need later; the first weakdep line for it counts. */
  weakDependency(name: string): WeakDependency | undefined {
    return this.config.weakDependencies.find(({ module }) => globMatches(module, name));
  }

  /** The same release in other files: what the machine's user made of the tree. */
  seenThrough(files: FileSource): ModuleTree {
    const { like: _, ...settings } = this.settings;
    return new ModuleTree(files, settings);
  }

  /**
   * Makes depmod's files for these modules and puts them into a directory, its own by default: each is there wholly
   * or not at all at any moment. Throws DepmodFailure where there can be no index, and {@link IndexWriteError}.
   */
  write(writer: FileWriter, directory: string = this.base): void {
    const made = indexTree(this.files, this.base);
    const below = this.root !== '' && directory.startsWith(`${this.root}/`);
    const place = below ? (writer.confined?.(this.root) ?? writer) : writer;
    const errno = place.makeDirectories(directory);
    if (errno !== 0) throw new IndexWriteError(`${directory}: ${strerror(errno)}`);
    const [problem] = place.replaceFiles(directory, made);
    if (problem) throw new IndexWriteError(`${directory}: ${problem.step}: ${strerror(problem.errno)}`);
  }

  /** Opens every file of the index, as modprobe does at first: what is no such file is told at once. */
  check(): void {
    this.guarded(() => this.index.check(), undefined);
  }

  /** Notes that something is wrong with the tree. */
  complain(text: string, damage?: FormatError): void {
    this.complaints.add(text);
    this.settings.complain?.(text, damage);
  }

  private inSource(path: string): string {
    return `${this.root}${path}`;
  }

  /** An index made from the modules themselves, where depmod never was. */
  private get madeIndex(): FileSource | undefined {
    const { files, base } = this;
    if (this.settings.like) return this.settings.like.madeIndex;
    if (!this.made)
      this.made = {
        index: DepmodIndex.isIn(files, base) ? undefined : indexFiles(files, base, this.settings.cache),
      };
    return this.made.index;
  }

  private readConfig(): ModprobeConfig {
    const { like, configPaths } = this.settings;
    const cmdline = this.settings.cmdline ?? like?.settings.cmdline;
    if (configPaths?.length === 0) return emptyConfig();
    const { files, madeIndex } = this;
    return readConfig(madeIndex ? new OverlayFiles([files, madeIndex]) : files, {
      moduleDirectory: this.base,
      paths: (configPaths ?? CONFIG_DIRECTORIES).map((path) => (configPaths ? path : this.inSource(path))),
      cmdline: cmdline ?? readText(this.files, this.inSource('/proc/cmdline')) ?? '',
    });
  }

  private complainOnce(error: unknown): void {
    if (!(error instanceof FormatError)) throw error;
    if (!this.complaints.has(error.message)) this.complain(error.message, error);
  }

  /** What is wrong with an index is told, and counts as nothing found. */
  private guarded<T>(look: () => T, otherwise: T): T {
    try {
      return look();
    } catch (error) {
      this.complainOnce(error);
      return otherwise;
    }
  }

  private *guardedEach<T>(look: () => Iterable<T>): Generator<T> {
    try {
      yield* look();
    } catch (error) {
      this.complainOnce(error);
    }
  }
}

function onlyRelease(files: FileSource, root: string): string {
  const place = `${root}${MODULES_DIRECTORY}`;
  const found = (files.list(place) ?? []).filter(({ kind }) => kind === 'directory').map(({ name }) => name);
  if (found.length === 1) return found[0];
  if (found.length === 0) throw new Error(`${place}: no modules are there`);
  throw new Error(`${place}: modules of several releases (${found.join(', ')}): which one?`);
}
