import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Listeners } from '../../kernel/listeners.js';
import { EBUSY, EEXIST, ENOENT, ENOEXEC, ENOSYS, EPERM, ESRCH } from '../errno.js';
import { Asts } from '../kern/ast.js';
import { Code } from '../kern/code.js';
import { Credentials } from '../kern/kern-prot.js';
import { Locks } from '../kern/locks.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import { IMAGE } from '../memory-map.js';
import { Vnet } from '../net/vnet.js';
import type { Subsystem } from '../subsystem.js';
import { KernelParts } from './kernel-parts.js';
import { LinkElfObj, LinkError } from './link-elf-obj.js';
import { LinkerFile } from './linker-file.js';
import { LinkerSets } from './linker-sets.js';
import { metadataOf, type VersionRange } from './metadata.js';
import { KernelModules } from './modules.js';
import { ModuleSearch } from './search.js';
import { runSysinits } from './sysinit.js';

/** An interface that a file provides: modlist. */
interface Provided {
  readonly name: string;
  readonly version: number;
  readonly file: LinkerFile;
}

export interface LinkerEvent {
  readonly file: LinkerFile;
  /** 'coming': it is in memory and linked; 'live': its modules run; 'going': its memory is about to be given back; 'gone'. */
  readonly state: 'coming' | 'live' | 'going' | 'gone';
}

/** What file-related parts do when a file's sysctls come and go, and who may stop it from going. */
export interface LinkerHooks {
  loaded?(file: LinkerFile): Sleepable<void>;
  enabled?(file: LinkerFile): Sleepable<void>;
  unloadTry?(file: LinkerFile): Sleepable<number>;
  unloading?(file: LinkerFile): void;
  unloaded?(file: LinkerFile): Sleepable<void>;
}

/** The kernel linker (sys/kern/kern_linker.c): files, what they provide and depend on, and their coming and going. Answers are errnos. */
export class KernLinker implements Subsystem {
  readonly exports = {
    linker_file_lookup_symbol: (file: Ptr, name: Ptr, deps: number) =>
      this.lookupExport(file, this.k.space.cstring(name), deps !== 0),
    linker_reference_module: (name: Ptr, range: Ptr, place: Ptr) => this.reference(name, range, place),
    linker_release_module: (name: Ptr, range: Ptr, file: Ptr) => this.releaseModule(name, range, file),
  };
  readonly files: LinkerFile[] = [];
  readonly search: ModuleSearch;
  readonly hooks: LinkerHooks[] = [];
  kernelFile!: LinkerFile;
  private readonly provided: Provided[] = [];
  private readonly listeners = new Listeners<(event: LinkerEvent) => void>();
  private nextId = 1;
  private readonly parts: KernelParts;

  constructor(private readonly k: FreebsdKernel) {
    this.search = new ModuleSearch(k);
    this.parts = new KernelParts(k, this.search);
  }

  /** The kernel's own file, and the interfaces that it has. */
  boot(): void {
    const { k } = this;
    k.get(Code).inFile = (address) => this.symbolAt(address);
    this.kernelFile = this.makeFile('kernel', '/boot/kernel/kernel', IMAGE.start, KERNEL_BYTES, KERNEL_BYTES);
    this.kernelFile.linked = true;
    for (const { name, version } of k.builtinModules) {
      this.provided.push({ name, version, file: this.kernelFile });
      k.get(KernelModules).add(name, this.kernelFile, 0, 0);
    }
  }

  listen(listener: (event: LinkerEvent) => void): () => void {
    return this.listeners.add(listener);
  }

  private tell(file: LinkerFile, state: LinkerEvent['state']): void {
    for (const listener of this.listeners) listener({ file, state });
  }

  private print(text: string): void {
    this.k.get(SubrPrf).line(text);
  }

  /** kldload(2): a name that has neither dot nor slash is a module's, any other a file's. */
  *kldload(name: string): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    if (this.k.get(Credentials).securelevel > 0) return { errno: EPERM };
    const vnet = this.k.get(Vnet);
    const result = yield* vnet.within(vnet.ofThread, this.loadNamed(name));
    yield* this.k.get(Asts).userret();
    return result;
  }

  private *loadNamed(name: string): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    const isFile = name.includes('/') || name.includes('.');
    const result = isFile ? yield* this.loadKld(name) : yield* this.loadModule(name);
    if ('file' in result) result.file.userrefs++;
    return result;
  }

  /** kldunload(2). */
  *kldunload(id: number, force: boolean): Sleepable<number> {
    if (this.k.get(Credentials).securelevel > 0) return EPERM;
    const file = this.byId(id);
    if (!file) return ENOENT;
    if (file.userrefs === 0) {
      this.print('kldunload: attempt to unload file that was loaded by the kernel');
      return EBUSY;
    }
    file.userrefs--;
    const vnet = this.k.get(Vnet);
    const error = yield* vnet.within(vnet.ofThread, this.unload(file, force));
    if (error !== 0) file.userrefs++;
    yield* this.k.get(Asts).userret();
    return error;
  }

  byId(id: number): LinkerFile | undefined {
    return this.files.find((file) => file.id === id && file.linked);
  }

  /** linker_find_file_by_name(). */
  byName(name: string): LinkerFile | undefined {
    return this.files.find(({ filename }) => filename === name || filename === `${name}.ko`);
  }

  private *loadKld(name: string): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    const path = this.search.kld(name);
    return path === undefined ? { errno: ENOENT } : yield* this.loadPath(path);
  }

  private *loadModule(
    name: string,
    range?: VersionRange,
  ): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    if (this.lookup(name, range)) return { errno: EEXIST };
    const path = this.search.module(name, range);
    if (path === undefined) return { errno: ENOENT };
    const result = yield* this.loadPath(path);
    if ('errno' in result || !range || this.lookup(name, range)) return result;
    yield* this.unload(result.file, true);
    return { errno: ENOENT };
  }

  private *loadPath(path: string): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    if (this.byName(basename(path))) return { errno: EEXIST };
    return yield* this.loadFile(path);
  }

  /** linker_load_file(). */
  private *loadFile(path: string): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    const found = this.k.files.locate(path);
    if (typeof found === 'number' || !found.node) return { errno: ENOENT };
    let file: LinkerFile;
    try {
      if (found.node.kind !== 'file') throw new LinkError(ENOEXEC);
      file = yield* this.link(path, this.k.files.readFile(path) ?? new Uint8Array());
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      // The other class of files, ET_DYN, is tried next, and does not know it: its word is the last.
      if (found.node.kind === 'file' && error.errno !== ENOSYS)
        this.print(`linker_load_file: ${path} - unsupported file type`);
      else if (error.errno === ENOSYS) this.print(`linker_load_file: ${path} - unsupported file type`);
      return { errno: ENOEXEC };
    }
    return yield* this.start(file);
  }

  /** Registers a linked file's modules and lets them begin. */
  private *start(file: LinkerFile): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    const error = this.registerModules(file);
    if (error === EEXIST) {
      yield* this.unload(file, true);
      return { errno: error };
    }
    const had = file.modules.length > 0;
    this.tell(file, 'coming');
    for (const hook of this.hooks) if (hook.loaded) yield* hook.loaded(file);
    const set = file.set('sysinit_set');
    if (set) yield* runSysinits(this.k, set, 'up');
    file.linked = true;
    if (had && file.modules.length === 0) {
      yield* this.unload(file, true);
      return { errno: ENOEXEC };
    }
    for (const hook of this.hooks) if (hook.enabled) yield* hook.enabled(file);
    this.tell(file, 'live');
    return { file };
  }

  private *link(path: string, bytes: Uint8Array): Sleepable<LinkerFile> {
    const object = new LinkElfObj(this.k, path);
    let file: LinkerFile | undefined;
    try {
      const loading = object.load(bytes, (address, size, mapped) => {
        file = this.makeFile(basename(path), path, address, size, mapped);
        return file;
      });
      this.remember(loading.file);
      const error = yield* this.loadDependencies(loading.file);
      if (error !== 0) throw new LinkError(error);
      yield* this.takeParts(loading.file, object.undefinedIn(loading));
      yield* object.finish(loading, (of, name, isWeak) => this.lookupSymbol(of, name, isWeak));
      return loading.file;
    } catch (error) {
      if (file && error instanceof LinkError) yield* this.unload(file, true);
      throw error;
    }
  }

  private makeFile(name: string, path: string, address: Ptr, size: number, mapped: number): LinkerFile {
    const { k } = this;
    const handle = k.slab.allocateBytes(k.sizeOf('linker_file'), true);
    const file = new LinkerFile(this.nextId, name, path, address, size, mapped, k.ledger.mark, handle);
    // linker_make_file() takes the lowest number that no file has.
    this.files.push(file);
    while (this.files.some(({ id }) => id === this.nextId)) this.nextId++;
    const type = k.struct('linker_file');
    type.set(handle, 'id', file.id);
    type.set(handle, 'refs', 1);
    type.set(handle, 'filename', k.constantString(name));
    type.set(handle, 'pathname', k.constantString(path));
    type.set(handle, 'address', address);
    type.set(handle, 'size', size);
    return file;
  }

  private remember(file: LinkerFile): void {
    this.k.get(Code).history.remember({
      name: file.filename,
      ranges: [{ base: file.address, size: file.mapped }],
      symbols: file.symbols,
      mark: file.mark,
    });
  }

  /** linker_load_dependencies(): 0, or an errno. */
  private *loadDependencies(file: LinkerFile): Sleepable<number> {
    this.kernelFile.refs++;
    file.deps.push(this.kernelFile);
    const metadata = metadataOf(this.k, file);
    const own = new Set<string>();
    for (const record of metadata) {
      if (record.kind !== 'version') continue;
      own.add(record.name);
      const there = this.exactly(record.name, record.version);
      if (!there) continue;
      const where = `'${there.file.filename}'`;
      this.print(`interface ${record.name}.${record.version} already present in the KLD ${where}!`);
      return EEXIST;
    }
    for (const record of metadata) {
      if (record.kind !== 'depend' || own.has(record.name)) continue;
      const error = yield* this.depend(file, record.name, record.range);
      if (error !== 0) return error;
    }
    for (const record of metadata)
      if (record.kind === 'version') this.provided.push({ name: record.name, version: record.version, file });
    return 0;
  }

  /**
   * Symbols that the tree's own kernel has built in and this base kernel has not: the files that define them are loaded as parts of the
   * kernel would be, and the file depends on them.
   */
  private *takeParts(file: LinkerFile, names: readonly string[]): Sleepable<void> {
    for (const name of names) {
      if (this.implementedSymbol(file, name) !== undefined) continue;
      const path = this.parts.fileOf(name);
      if (path === undefined || path === file.pathname) continue;
      const there = this.byName(basename(path));
      if (there) there.refs++;
      const result = there ? { file: there } : yield* this.loadFile(path);
      if (!('file' in result)) continue;
      this.keepPart(result.file);
      file.deps.push(result.file);
    }
  }

  /** The kernel itself has a reference to what is part of it. */
  private keepPart(file: LinkerFile): void {
    if (file.builtIn) return;
    file.builtIn = true;
    file.refs++;
  }

  private *depend(file: LinkerFile, name: string, range: VersionRange): Sleepable<number> {
    const there = this.lookup(name, range);
    if (there) {
      there.file.refs++;
      file.deps.push(there.file);
      return 0;
    }
    const result = yield* this.loadModule(name, range);
    if ('file' in result) {
      if (this.parts.has(result.file.pathname)) this.keepPart(result.file);
      file.deps.push(result.file);
      return 0;
    }
    this.print(`KLD ${file.filename}: depends on ${name} - not available or version mismatch`);
    return result.errno;
  }

  /** modlist_lookup(): version 0 is any. */
  private exactly(name: string, version: number): Provided | undefined {
    return this.provided.find((one) => one.name === name && (version === 0 || one.version === version));
  }

  /** modlist_lookup2(): who provides an interface in a version that suits best. */
  lookup(name: string, range?: VersionRange): Provided | undefined {
    if (!range) return this.exactly(name, 0);
    let best: Provided | undefined;
    for (const one of this.provided) {
      if (one.name !== name) continue;
      if (one.version === range.preferred) return one;
      const fits = one.version >= range.minimum && one.version <= range.maximum;
      if (fits && (!best || one.version > best.version)) best = one;
    }
    return best;
  }

  /** linker_reference_module(). */
  *referenceModule(
    name: string,
    range?: VersionRange,
  ): Sleepable<{ readonly file: LinkerFile } | { readonly errno: number }> {
    const there = this.lookup(name, range);
    if (!there) return yield* this.loadModule(name, range);
    there.file.refs++;
    return { file: there.file };
  }

  private rangeAt(at: Ptr): VersionRange | undefined {
    if (at === 0) return undefined;
    const type = this.k.struct('mod_depend');
    const [minimum, preferred, maximum] = ['md_ver_minimum', 'md_ver_preferred', 'md_ver_maximum'].map(
      (member) => type.get(at, member),
    );
    return { minimum, preferred, maximum };
  }

  private *reference(name: Ptr, range: Ptr, place: Ptr): Sleepable<number> {
    const result = yield* this.referenceModule(this.k.space.cstring(name), this.rangeAt(range));
    if ('errno' in result) return result.errno;
    this.k.space.storePtr(place, result.file.handle);
    return 0;
  }

  private *releaseModule(name: Ptr, range: Ptr, handle: Ptr): Sleepable<number> {
    const file =
      handle === 0
        ? this.lookup(this.k.space.cstring(name), this.rangeAt(range))?.file
        : this.files.find((one) => one.handle === handle);
    return file ? yield* this.unload(file, false) : ESRCH;
  }

  /**
   * A symbol that a file may use: the kernel's, and those of the files that it depends on directly. What this base kernel has not, and a file
   * has, is the file's. A variable that it may do without, and that nothing sets, is not there.
   */
  private lookupSymbol(file: LinkerFile, name: string, isWeak = false): Ptr | undefined {
    const found = this.implementedSymbol(file, name);
    if (found !== undefined) return found;
    return isWeak && this.k.target.exports.get(name)?.kind !== 'function' ? undefined : this.k.exported(name);
  }

  private implementedSymbol(file: LinkerFile, name: string): Ptr | undefined {
    for (const dep of file.deps) {
      const found = dep === this.kernelFile ? this.kernelSymbol(name) : dep.symbol(name)?.address;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private kernelSymbol(name: string): Ptr | undefined {
    const kind = this.k.target.exports.get(name)?.kind;
    if (kind === 'vnet' || kind === 'pcpu') return this.k.get(LinkerSets).variable(name);
    return this.k.provided(name);
  }

  private lookupExport(handle: Ptr, name: string, deps: boolean): Ptr {
    const file = this.files.find((one) => one.handle === handle);
    if (!file) return 0;
    return file.symbol(name)?.address ?? (deps ? this.lookupSymbol(file, name) : undefined) ?? 0;
  }

  private registerModules(file: LinkerFile): number {
    let first = 0;
    for (const record of metadataOf(this.k, file)) {
      if (record.kind !== 'module') continue;
      const error = this.k.get(KernelModules).register(record.data, file);
      if (error === 0) continue;
      const name = this.k.struct('moduledata').string(record.data, 'name');
      this.print(`Module ${name} failed to register: ${error}`);
      if (first === 0) first = error;
    }
    return first;
  }

  /** linker_file_unload(): a reference less, and with the last one the file goes, unless one of its modules says no. */
  *unload(file: LinkerFile, force: boolean): Sleepable<number> {
    const { k } = this;
    if (this.k.get(Credentials).securelevel > 0) return EPERM;
    if (file.refs > 1) {
      file.refs--;
      return 0;
    }
    for (const hook of this.hooks) if (hook.unloadTry && (yield* hook.unloadTry(file)) !== 0) return EBUSY;
    const modules = k.get(KernelModules);
    for (const module of [...file.modules]) {
      const error = yield* modules.quiesce(module);
      if (error !== 0 && !force) return error;
    }
    for (const module of [...file.modules]) {
      const error = yield* modules.unload(module);
      if (error !== 0) return error;
      modules.release(module);
    }
    for (const one of [...this.provided])
      if (one.file === file) this.provided.splice(this.provided.indexOf(one), 1);
    if (file.linked) {
      file.linked = false;
      for (const hook of this.hooks) hook.unloading?.(file);
      const set = file.set('sysuninit_set');
      if (set) yield* runSysinits(k, set, 'down');
    }
    this.tell(file, 'going');
    this.files.splice(this.files.indexOf(file), 1);
    this.nextId = Math.min(this.nextId, file.id);
    for (const dep of file.deps) yield* this.unload(dep, force);
    this.free(file);
    for (const hook of this.hooks) if (hook.unloaded) yield* hook.unloaded(file);
    this.tell(file, 'gone');
    return 0;
  }

  private free(file: LinkerFile): void {
    const { k } = this;
    for (const { name, address } of file.sections) {
      if (name === 'set_pcpu') k.get(LinkerSets).pcpu.free(address);
      else if (name === 'set_vnet') k.get(LinkerSets).vnet.free(address);
    }
    k.get(Locks).forgetIn(file.address, file.mapped);
    k.get(Code).history.forget(file.filename);
    k.slab.free(file.handle);
    if (file.mapped > 0) k.moduleMemory.free(file.address);
  }

  /** The symbol of a loaded file that contains an address. */
  private symbolAt(address: Ptr) {
    const file = this.files.find((one) => one !== this.kernelFile && one.contains(address));
    if (!file) return undefined;
    const symbol = file.symbolAt(address);
    const base = symbol?.address ?? file.address;
    return { name: symbol?.name ?? file.filename, offset: address - base, file: file.filename };
  }

  /** The file whose memory an address is in. */
  fileAt(address: Ptr): LinkerFile | undefined {
    return this.files.find((one) => one !== this.kernelFile && one.contains(address));
  }
}

/** What kldstat(8) shows as the size of the kernel: modbox's has no image, this is the size of its address range. */
const KERNEL_BYTES = IMAGE.size;

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
