import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, EINVAL, ENFILE, ENOENT, ENOSYS } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';

/** Numbers that modules may take (sys/kern/syscalls.master: lkmnosys at 210 to 219). */
const FIRST_FREE = 210;
const LAST_FREE = 219;
/** Numbers of the table. */
const COUNT = 600;

/** The system call table, and modules that add to it (sys/kern/kern_syscalls.c). */
export class SystemCalls implements Subsystem {
  /** sysent[] and freebsd32_sysent[], of programs of 64 and of 32 bits. */
  private readonly native: Ptr;
  private readonly compat: Ptr;
  /** Functions of modules, by the entry that they have. */
  private readonly taken = new Map<Ptr, Ptr>();

  constructor(private readonly k: FreebsdKernel) {
    // Headers say that it is an array, not how long.
    this.native = k.variable('sysent', COUNT * k.sizeOf('sysent'));
    this.compat = k.variable('freebsd32_sysent', COUNT * k.sizeOf('sysent'));
  }

  readonly exports = {
    lkmnosys: () => ENOSYS,
    lkmressys: () => ENOSYS,
    nosys: () => ENOSYS,
    kern_syscall_register: (table: Ptr, offset: Ptr, sysent: Ptr, old: Ptr) =>
      this.register(table, offset, sysent, old),
    kern_syscall_deregister: (table: Ptr, offset: number, old: Ptr) => this.deregister(table, offset, old),
    syscall_module_handler: (module: Ptr, what: number, data: Ptr) =>
      this.moduleEvent(this.native, module, what, data),
    kern_syscall_module_handler: (table: Ptr, module: Ptr, what: number, data: Ptr) =>
      this.moduleEvent(table, module, what, data),
    syscall_helper_register: (list: Ptr) => this.registerList(this.native, list),
    kern_syscall_helper_register: (table: Ptr, list: Ptr) => this.registerList(table, list),
    syscall_helper_unregister: (list: Ptr) => this.unregisterList(this.native, list),
    kern_syscall_helper_unregister: (table: Ptr, list: Ptr) => this.unregisterList(table, list),
    syscall32_helper_register: (list: Ptr) => this.registerList(this.compat, list),
    syscall32_helper_unregister: (list: Ptr) => this.unregisterList(this.compat, list),
    syscall32_module_handler: (module: Ptr, what: number, data: Ptr) =>
      this.moduleEvent(this.compat, module, what, data),
    syscall_thread_enter: () => 0,
    syscall_thread_exit: () => {},
  };

  readonly signatures = { lkmressys: 'i:pp', nosys: 'i:pp', lkmnosys: 'i:pp' };

  readonly data = {
    sysent: (at: Ptr) => this.fill(at),
    freebsd32_sysent: (at: Ptr) => this.fill(at),
  };

  private fill(at: Ptr): void {
    const type = this.k.struct('sysent');
    const [free, none] = [this.k.fn('lkmnosys'), this.k.fn('nosys')];
    for (let i = 0; i < COUNT; i++)
      type.set(at + i * type.size, 'sy_call', i >= FIRST_FREE && i <= LAST_FREE ? free : none);
  }

  private entry(table: Ptr, number: number): Ptr {
    return table + number * this.k.struct('sysent').size;
  }

  /** 0, or an error number; where any number does, the one that it got is stored. */
  private register(table: Ptr, offset: Ptr, sysent: Ptr, old: Ptr): number {
    const { k } = this;
    let number = k.space.loadInt32(offset);
    if (number === k.macro('NO_SYSCALL')) {
      number = FIRST_FREE;
      while (number <= LAST_FREE && this.taken.has(this.entry(table, number))) number++;
      if (number > LAST_FREE) return ENFILE;
      k.space.store32(offset, number);
    } else if (number < 0 || number >= COUNT) return EINVAL;
    else if (this.taken.has(this.entry(table, number))) return EEXIST;
    const { size } = k.struct('sysent');
    if (old !== 0) k.space.bytes.copyWithin(old, this.entry(table, number), this.entry(table, number) + size);
    k.space.bytes.copyWithin(this.entry(table, number), sysent, sysent + size);
    this.taken.set(this.entry(table, number), k.struct('sysent').get(sysent, 'sy_call'));
    k.origins.note(this.entry(table, number));
    return 0;
  }

  private deregister(table: Ptr, number: number, old: Ptr): number {
    const { k } = this;
    if (number === 0) return 0;
    if (!this.taken.delete(this.entry(table, number))) return ENOENT;
    const { size } = k.struct('sysent');
    k.space.bytes.copyWithin(this.entry(table, number), old, old + size);
    k.origins.forget(this.entry(table, number));
    return 0;
  }

  /** Handler of SYSCALL_MODULE(): struct syscall_module_data, whose own handler comes after. */
  private *moduleEvent(table: Ptr, module: Ptr, what: number, data: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('syscall_module_data');
    const [offset, sysent, chain, arg] = ['offset', 'new_sysent', 'chainevh', 'chainarg'].map((member) =>
      type.get(data, member),
    );
    const old = type.addr(data, 'old_sysent');
    const isOurs = (): boolean =>
      this.taken.get(this.entry(table, k.space.loadInt32(offset))) ===
      k.struct('sysent').get(sysent, 'sy_call');
    if (what === MOD_LOAD) {
      const error = this.register(table, offset, sysent, old);
      // A number that somebody has is left alone, and no word is kept of it.
      if (error !== 0) return error;
    }
    const chained = chain === 0 ? 0 : yield* k.callAs('i:pip', chain, module, what, arg);
    if (what === MOD_LOAD && chained !== 0) this.deregister(table, k.space.loadInt32(offset), old);
    if (what === MOD_UNLOAD && chained === 0 && isOurs())
      return this.deregister(table, k.space.loadInt32(offset), old);
    return chained;
  }

  /** An array that ends with NO_SYSCALL: all of it, or nothing. */
  private registerList(table: Ptr, list: Ptr): number {
    const { k } = this;
    const type = k.struct('syscall_helper_data');
    for (let at = list; type.get(at, 'syscall_no') !== k.macro('NO_SYSCALL'); at += type.size) {
      const error = this.register(
        table,
        type.addr(at, 'syscall_no'),
        type.addr(at, 'new_sysent'),
        type.addr(at, 'old_sysent'),
      );
      if (error !== 0) {
        this.unregisterList(table, list);
        return error;
      }
      type.set(at, 'registered', 1);
    }
    return 0;
  }

  private unregisterList(table: Ptr, list: Ptr): number {
    const { k } = this;
    const type = k.struct('syscall_helper_data');
    for (let at = list; type.get(at, 'registered') !== 0; at += type.size) {
      this.deregister(table, type.get(at, 'syscall_no'), type.addr(at, 'old_sysent'));
      type.set(at, 'registered', 0);
    }
    return 0;
  }

  /** syscall(2): what the function at a number answers: its error, and td_retval[0]. */
  *call(
    number: number,
    args: readonly bigint[],
  ): Sleepable<{ readonly errno: number; readonly value: bigint }> {
    const { k } = this;
    const fn =
      number >= 0 && number < COUNT ? k.struct('sysent').get(this.entry(this.native, number), 'sy_call') : 0;
    if (fn === 0) return { errno: ENOSYS, value: 0n };
    const type = k.struct('thread');
    const space = k.slab.allocateBytes(8 * 8, true);
    args.slice(0, 8).forEach((arg, i) => {
      k.space.store64(space + 8 * i, BigInt.asUintN(64, arg));
    });
    const result = type.addr(k.curthread, 'td_uretoff');
    k.space.store64(result, 0n);
    const errno = yield* k.callAs('i:pp', fn, k.curthread, space);
    const value = k.space.load64(result);
    k.slab.free(space);
    return { errno, value };
  }

  *holds(): Generator<Holding> {
    for (const [at, fn] of this.taken)
      yield { kind: 'system call', at, uses: [fn], by: this.k.origins.of(at), name: () => this.nameOf(at) };
  }

  /** The number, and of which table where that is not the machine's own. */
  private nameOf(at: Ptr): string {
    const { size } = this.k.struct('sysent');
    const isCompat = at >= this.compat && at < this.compat + COUNT * size;
    return isCompat ? `${(at - this.compat) / size} of 32 bits` : String((at - this.native) / size);
  }
}
