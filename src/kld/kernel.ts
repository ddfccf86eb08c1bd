import type { Steps } from './host.js';

/** Result of a system call; `errno` is positive. */
export type CallResult<Value> = { readonly value: Value } | { readonly errno: number };

/** struct kld_file_stat (kldstat(2)). */
export interface KldFileStat {
  readonly id: number;
  readonly name: string;
  readonly refs: number;
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  readonly pathname: string;
}

/** struct module_stat (modstat(2)). */
export interface ModuleStat {
  readonly id: number;
  readonly name: string;
  readonly refs: number;
  /** modspecific_t: 64 bits. */
  readonly data: bigint;
}

/** What a node of the sysctl tree is, as the requests that sysctl(3) does not document ask for it. */
export interface SysctlNode {
  /** Its numbers from the root on. */
  readonly oid: readonly number[];
  readonly name: string;
  /** CTLTYPE_* and CTLFLAG_*. */
  readonly kind: number;
  /** How the value is to be shown: `I`, `IU`, `A`, `S,timeval`, ... */
  readonly format: string;
}

/** The sysctl tree. Reading and writing may run code of modules, and wait. */
export interface KldSysctl<Wait> {
  /** The node of a name, also of one that has other nodes below it. */
  find(name: string): CallResult<SysctlNode>;
  /** The first leaf behind a node in the tree's order, of the whole tree where that is []; undefined at its end. */
  next(oid: readonly number[]): SysctlNode | undefined;
  /** Undefined where there is none. */
  description(oid: readonly number[]): string | undefined;
  /** `size`: room for the value where that is not what the node asks for (sysctl -B). */
  read(oid: readonly number[], size?: number): Steps<Wait, CallResult<Uint8Array>>;
  write(oid: readonly number[], value: Uint8Array): Steps<Wait, CallResult<void>>;
}

/** The kernel's environment (kenv(2)). */
export interface KernelEnvironment {
  get(name: string): CallResult<string>;
  set(name: string, value: string): CallResult<void>;
  unset(name: string): CallResult<void>;
  /** All of it, in its order: what is in force, what the loader gave, or what the kernel was configured with. */
  dump(
    what: 'dynamic' | 'loader' | 'static',
  ): CallResult<readonly (readonly [name: string, value: string])[]>;
}

/** The system calls that the programs of this folder make. */
export interface KldKernel<Wait> {
  /** kldload(2): a name or a path. The id of the file. */
  load(file: string): Steps<Wait, CallResult<number>>;
  /** kldunloadf(2): with LINKER_UNLOAD_FORCE where `force`. */
  unload(id: number, force: boolean): Steps<Wait, CallResult<void>>;
  /** kldfind(2). */
  find(file: string): CallResult<number>;
  /** kldnext(2): the id behind one, the first behind 0; 0 at the end. */
  next(id: number): CallResult<number>;
  stat(id: number): CallResult<KldFileStat>;
  /** kldfirstmod(2): 0 where a file has no modules. */
  firstModule(id: number): CallResult<number>;
  /** modfnext(2): the next module of the same file; 0 at the end. */
  nextModule(id: number): CallResult<number>;
  /** modfind(2). */
  findModule(name: string): CallResult<number>;
  /** modstat(2). */
  moduleStat(id: number): CallResult<ModuleStat>;
  readonly sysctl: KldSysctl<Wait>;
  readonly environment: KernelEnvironment;
}
