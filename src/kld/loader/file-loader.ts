import type { FileSource } from '../../files/file-source.js';
import { EM_X86_64, isElf, parseElf } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { kldOf } from '../../formats/kld/index.js';
import { EFTYPE, EIO, EISDIR, ENOENT, EPERM } from '../../freebsd/errno.js';
import type { LoaderEnvironment } from './environment.js';
import { loaderStrerror } from './loader-errors.js';
import { ModuleSearch } from './module-search.js';
import {
  findModule,
  isObjectModule,
  KERNEL_TYPE,
  type ModuleNeed,
  type PreloadedFile,
  preloadedObject,
} from './preloaded.js';

/** A kernel that can be booted, where the loader finds its file. */
export interface LoadableKernel {
  readonly address: bigint;
  /** Bytes from its address on, up to where modules may be. */
  readonly size: number;
  /** What loading it says behind its name: `text=0x...`. */
  readonly text: string;
  /** Newest first. */
  readonly modules: readonly { readonly name: string; readonly version: number }[];
}

export interface FileLoaderHost {
  readonly files: FileSource;
  readonly environment: LoaderEnvironment;
  /** Undefined where the file is no kernel that can be booted. */
  kernel(path: string): LoadableKernel | undefined;
  out(text: string): void;
}

const LOADER_PAGE = 4096n;

/** Result of loading: an error number, 0 where all is well. `message` is what the prompt would say of it. */
interface Loading {
  readonly errno: number;
  readonly message?: string;
}

const LOADED: Loading = { errno: 0 };

/** Puts files into memory before the kernel runs: stand/common/module.c. */
export class FileLoader {
  private list: PreloadedFile[] = [];
  private readonly search: ModuleSearch;

  constructor(private readonly host: FileLoaderHost) {
    this.search = new ModuleSearch(host.files, () => host.environment.get('module_path'));
  }

  get files(): readonly PreloadedFile[] {
    return this.list;
  }

  unload(): void {
    this.list = [];
    this.host.environment.unset('kernelname');
  }

  /** Loads a module by its name, unless it is there; a path is a kld. */
  loadModule(name: string, need: ModuleNeed | undefined, args: string): Loading {
    if (name.includes('/')) {
      this.host.out(`Warning: mod_load() called instead of mod_loadkld() for module '${name}'\n`);
      return this.loadKld(name, args);
    }
    if (findModule(this.list, name, need)) return LOADED;
    const path = this.search.module(name, need);
    if (path === undefined) return { errno: ENOENT, message: `can't find '${name}'` };
    return this.loadKld(path, args);
  }

  /** Loads a kld or a kernel, and what it needs. Where that is not to be had nothing of it stays. */
  loadKld(name: string, args: string): Loading {
    const path = this.search.kld(name);
    if (path === undefined) return { errno: ENOENT, message: `can't find '${name}'` };
    if (this.list.some((file) => file.path === path)) return LOADED;
    const loaded = this.loadFile(path, args);
    if ('errno' in loaded) return loaded;
    const before = this.list.length;
    this.list.push(loaded);
    const problem = this.loadNeeds(loaded);
    if (!problem) return LOADED;
    this.list.length = before;
    return { ...problem, errno: ENOENT };
  }

  /** `load -t TYPE FILE`. */
  loadRaw(name: string, type: string): Loading {
    if (this.list.length === 0) return { errno: EPERM, message: "can't load file before kernel" };
    const path = this.search.plain(name);
    if (path === undefined) return { errno: ENOENT, message: `can't find '${name}'` };
    const bytes = this.host.files.read(path);
    if (!bytes) {
      const message = `can't open '${path}': ${loaderStrerror(EISDIR)}`;
      return { errno: EISDIR, message };
    }
    this.host.out(`${path} size=${bytes.length === 0 ? '0' : `0x${bytes.length.toString(16)}`}\n`);
    const more = { args: '', modules: [], metadata: [], needs: [] };
    this.list.push({ path, type, address: this.end(), size: bytes.length, ...more });
    return LOADED;
  }

  /** Where the next file would be. */
  private end(): bigint {
    const last = this.list.at(-1);
    return last ? last.address + BigInt(last.size) : 0n;
  }

  private loadFile(path: string, args: string): PreloadedFile | Loading {
    const kernel = this.host.kernel(path);
    if (kernel) return this.loadKernel(path, kernel, args);
    const bytes = this.host.files.read(path);
    const unknown = { errno: EFTYPE, message: `don't know how to load module '${path}'` };
    if (!bytes || !isElf(bytes)) return unknown;
    try {
      const elf = parseElf(bytes, path);
      if (elf.header.machine !== EM_X86_64 || !isObjectModule(elf)) return unknown;
      if (!this.list.some((file) => file.type === KERNEL_TYPE)) {
        this.host.out("elf64_obj_loadfile: can't load module before kernel\n");
        return this.cannot(path, EPERM);
      }
      const address = ((this.end() + LOADER_PAGE - 1n) / LOADER_PAGE) * LOADER_PAGE;
      const file = preloadedObject(kldOf(elf), path, address, args);
      this.host.out(`${path} size 0x${file.size.toString(16)} at 0x${address.toString(16)}\n`);
      return file;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.host.out(`modbox: ${error.message}\n`);
      return this.cannot(path, EIO);
    }
  }

  private cannot(path: string, errno: number): Loading {
    return { errno, message: `can't load file '${path}': ${loaderStrerror(errno)}` };
  }

  private loadKernel(path: string, kernel: LoadableKernel, args: string): PreloadedFile | Loading {
    if (this.list.some((file) => file.type === KERNEL_TYPE)) {
      this.host.out('elf64_loadfile: kernel already loaded\n');
      return this.cannot(path, EPERM);
    }
    this.host.environment.set('kernelname', path);
    this.host.out(`${path} ${kernel.text}\n`);
    const { address, size, modules } = kernel;
    return { path, type: KERNEL_TYPE, address, size, args, modules, metadata: [], needs: [] };
  }

  private loadNeeds({ needs }: PreloadedFile): Loading | undefined {
    for (const need of needs) {
      if (findModule(this.list, need.name, need)) continue;
      this.host.out(`loading required module '${need.name}'\n`);
      const result = this.loadModule(need.name, need, '');
      if (result.errno !== 0) return result;
      if (!findModule(this.list, need.name, need)) {
        const message = `module '${need.name}' exists but with wrong version`;
        return { errno: ENOENT, message };
      }
    }
    return undefined;
  }
}
