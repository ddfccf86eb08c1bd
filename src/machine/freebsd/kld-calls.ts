import { ENOENT, ENOTDIR } from '../../freebsd/errno.js';
import { Sysctls } from '../../freebsd/kern/sysctl.js';
import type { FreebsdKernel } from '../../freebsd/kernel.js';
import { KernLinker } from '../../freebsd/linker/kern-linker.js';
import { KernelModules } from '../../freebsd/linker/modules.js';
import type { Effect, Sleepable } from '../../kernel/effects.js';
import type {
  CallResult,
  KernelEnvironment,
  KldFileStat,
  KldKernel,
  KldSysctl,
  ModuleStat,
  SysctlNode,
} from '../../kld/kernel.js';

/** The system calls of kldload(8) and its kin, on a base kernel. */
export class KldCalls implements KldKernel<Effect> {
  readonly sysctl: KldSysctl<Effect>;
  readonly environment: KernelEnvironment;

  /** `absolute` makes paths absolute: where the process is. `last` is what became of the last load or unload. */
  constructor(
    private readonly k: FreebsdKernel,
    private readonly absolute: (path: string) => string = (path) => path,
    private readonly last: { errno?: number } = {},
  ) {
    this.sysctl = new SysctlCalls(k);
    this.environment = environmentOf(k);
  }

  /** The same calls, made by a process in another directory. */
  from(absolute: (path: string) => string): KldCalls {
    return new KldCalls(this.k, absolute, this.last);
  }

  /** Why the last load failed: an errno. */
  get failure(): number | undefined {
    return this.last.errno;
  }

  private get linker(): KernLinker {
    return this.k.get(KernLinker);
  }

  *load(file: string): Sleepable<CallResult<number>> {
    const result = yield* this.linker.kldload(file.includes('/') ? this.absolute(file) : file);
    if ('errno' in result) {
      this.last.errno = result.errno;
      return { errno: result.errno };
    }
    return { value: result.file.id };
  }

  *unload(id: number, force: boolean): Sleepable<CallResult<void>> {
    const errno = yield* this.linker.kldunload(id, force);
    if (errno === 0) return { value: undefined };
    this.last.errno = errno;
    return { errno };
  }

  /** kldfind(2): by the last part of a path. */
  find(file: string): CallResult<number> {
    const found = this.linker.byName(file.slice(file.lastIndexOf('/') + 1));
    return found ? { value: found.id } : { errno: ENOENT };
  }

  next(id: number): CallResult<number> {
    const { files } = this.linker;
    const at = id === 0 ? 0 : files.findIndex((file) => file.id === id) + 1;
    if (id !== 0 && at === 0) return { errno: ENOENT };
    return { value: files.slice(at).find(({ linked, builtIn }) => linked && !builtIn)?.id ?? 0 };
  }

  stat(id: number): CallResult<KldFileStat> {
    const file = this.linker.byId(id);
    if (!file) return { errno: ENOENT };
    const { filename, pathname, refs, address, size } = file;
    return { value: { id, name: filename, pathname, refs, address: this.k.space.toAddress(address), size } };
  }

  firstModule(id: number): CallResult<number> {
    const file = this.linker.byId(id);
    return file ? { value: file.modules[0]?.id ?? 0 } : { errno: ENOENT };
  }

  nextModule(id: number): CallResult<number> {
    const module = this.k.get(KernelModules).list.find((one) => one.id === id);
    if (!module) return { errno: ENOENT };
    const { modules } = module.file;
    return { value: modules[modules.indexOf(module) + 1]?.id ?? 0 };
  }

  findModule(name: string): CallResult<number> {
    const module = this.k.get(KernelModules).named(name);
    return module ? { value: module.id } : { errno: ENOENT };
  }

  moduleStat(id: number): CallResult<ModuleStat> {
    const module = this.k.get(KernelModules).list.find((one) => one.id === id);
    if (!module) return { errno: ENOENT };
    return { value: { id, name: module.name, refs: module.refs, data: module.specific } };
  }
}

function environmentOf(k: FreebsdKernel): KernelEnvironment {
  return {
    get: (name) => {
      const value = k.environment.get(name);
      return value === undefined ? { errno: ENOENT } : { value };
    },
    set: (name, value) => {
      k.environment.set(name, value);
      return { value: undefined };
    },
    unset: (name) => (k.environment.delete(name) ? { value: undefined } : { errno: ENOENT }),
    dump: () => ({ value: [...k.environment] }),
  };
}

/** The tree of sysctls, by the numbers of nodes. */
class SysctlCalls implements KldSysctl<Effect> {
  constructor(private readonly k: FreebsdKernel) {}

  private get sysctls(): Sysctls {
    return this.k.get(Sysctls);
  }

  private nodeOf(oid: number, numbers: readonly number[], path: string): SysctlNode {
    const type = this.k.struct('sysctl_oid');
    return { oid: numbers, name: path, kind: type.get(oid, 'oid_kind'), format: type.string(oid, 'oid_fmt') };
  }

  find(name: string): CallResult<SysctlNode> {
    for (const { oid, numbers, path } of this.sysctls.tree.all())
      if (path === name) return { value: this.nodeOf(oid, numbers, path) };
    return { errno: ENOENT };
  }

  next(numbers: readonly number[]): SysctlNode | undefined {
    const nodeType = this.k.macro('CTLTYPE_NODE');
    let passed = numbers.length === 0;
    for (const node of this.sysctls.tree.all()) {
      const found = this.nodeOf(node.oid, node.numbers, node.path);
      const isLeaf = (found.kind & this.k.macro('CTLTYPE')) !== nodeType || this.hasHandler(node.oid);
      const isBelow = numbers.every((number, i) => node.numbers[i] === number);
      const isItself = isBelow && node.numbers.length === numbers.length;
      if (isItself) {
        passed = true;
        continue;
      }
      if (passed && isLeaf) return found;
    }
    return undefined;
  }

  private hasHandler(oid: number): boolean {
    return this.k.struct('sysctl_oid').get(oid, 'oid_handler') !== 0;
  }

  description(numbers: readonly number[]): string | undefined {
    const oid = this.sysctls.tree.at(numbers);
    return oid === undefined ? undefined : this.k.struct('sysctl_oid').string(oid, 'oid_descr');
  }

  *read(numbers: readonly number[]): Sleepable<CallResult<Uint8Array>> {
    const oid = this.sysctls.tree.at(numbers);
    if (oid === undefined) return { errno: ENOENT };
    const { errno, value } = yield* this.sysctls.request(oid);
    return errno === 0 ? { value } : { errno: errno || ENOTDIR };
  }

  *write(numbers: readonly number[], value: Uint8Array): Sleepable<CallResult<void>> {
    const oid = this.sysctls.tree.at(numbers);
    if (oid === undefined) return { errno: ENOENT };
    const { errno } = yield* this.sysctls.request(oid, value);
    return errno === 0 ? { value: undefined } : { errno };
  }
}
