import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { EFAULT } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import type { Process } from './processes.js';
import { Uio } from './uio.js';
import { UserMemory } from './user-memory.js';

/** Memory of other processes (sys/kern/sys_process.c). */
export class ProcessMemory implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    proc_rwmem: (proc: Ptr, uio: Ptr) => this.move(proc, uio),
    proc_readmem: (_thread: Ptr, proc: Ptr, at: Ptr, buffer: Ptr, length: number) =>
      this.read(proc, at, buffer, length),
    proc_writemem: (_thread: Ptr, proc: Ptr, at: Ptr, buffer: Ptr, length: number) =>
      this.write(proc, at, buffer, length),
  };

  // Addresses in a process are pointers of its own.
  readonly signatures = { proc_readmem: 'l:ppppL', proc_writemem: 'l:ppppL' };

  private process(proc: Ptr): Process | undefined {
    return this.k.processes.processAt(proc);
  }

  /** proc_rwmem(): uio_offset is the address in the process. EFAULT where it has nothing there; a page at a time. */
  private *move(proc: Ptr, uio: Ptr): Sleepable<number> {
    const { k } = this;
    const process = this.process(proc);
    const type = k.struct('uio');
    const writes = type.get(uio, 'uio_rw') === k.enumValue('UIO_WRITE');
    const memory = k.get(UserMemory);
    const self = this;
    return yield* withScratch(k, PAGE_SIZE, function* (page): Sleepable<number> {
      while (type.get(uio, 'uio_resid') > 0) {
        const at = k.space.loadPtr(type.addr(uio, 'uio_offset'));
        const count = Math.min(type.get(uio, 'uio_resid'), PAGE_SIZE - (at % PAGE_SIZE));
        const there = process ? memory.copyFrom(at, count, process) : new Uint8Array();
        if (!process || there.length < count) return EFAULT;
        k.space.bytes.set(there, page);
        const error = yield* k.get(Uio).move(page, count, uio);
        if (error !== 0) return error;
        if (writes) memory.copyTo(at, self.bytes(page, count), process);
      }
      return 0;
    });
  }

  private bytes(at: Ptr, count: number): Uint8Array {
    return this.k.space.bytes.slice(at, at + count);
  }

  /** How many bytes were read; -1 for none. */
  private read(proc: Ptr, at: Ptr, buffer: Ptr, length: number): number {
    const { k } = this;
    const process = this.process(proc);
    const there = process ? k.get(UserMemory).copyFrom(at, length, process) : new Uint8Array();
    k.space.writable(buffer, there.length).set(there);
    return there.length === 0 && length > 0 ? -1 : there.length;
  }

  private write(proc: Ptr, at: Ptr, buffer: Ptr, length: number): number {
    const { k } = this;
    const process = this.process(proc);
    if (!process) return -1;
    const left = k.get(UserMemory).copyTo(at, k.space.readable(buffer, length).slice(), process);
    return left === length && length > 0 ? -1 : length - left;
  }
}
