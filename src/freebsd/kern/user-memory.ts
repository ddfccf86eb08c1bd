import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { UserBuffers } from '../../kernel/mm/user-buffers.js';
import type { FreebsdKernel } from '../kernel.js';
import { USER } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';
import type { Process, ProcessWatcher } from './processes.js';

/** VM_MAXUSER_ADDRESS (sys/amd64/include/vmparam.h), with the four-level page tables that a process gets. */
const MAXUSER = 0x0000_7fff_ffff_f000n;

/** What a process has mapped: addresses from `start` to before `end`. */
interface Mapping {
  readonly start: Ptr;
  readonly end: Ptr;
}

/**
 * Memory of the processes. Each sees its own: an address of another's is as one that nothing is mapped at, though no two have the same.
 * What a process leaves is given back when it ends.
 */
export class UserMemory extends UserBuffers implements Subsystem, ProcessWatcher {
  readonly exports = {};
  private readonly mappings = new Map<Process, Map<Ptr, Mapping>>();

  constructor(private readonly k: FreebsdKernel) {
    super(k.space, USER, MAXUSER);
  }

  boot(): void {
    this.k.processes.watchers.push(this);
  }

  private get current(): Process {
    const { processes, executor } = this.k;
    return executor.current ? processes.processOf(executor.current) : processes.kernel;
  }

  /** Zeroed memory of the running process. `align` is a power of two. */
  override allocate(bytes: number, align = 1): Ptr {
    const at = super.allocate(bytes, align);
    const own = this.mappings.get(this.current) ?? new Map<Ptr, Mapping>();
    const start = Math.floor(at / PAGE_SIZE) * PAGE_SIZE;
    own.set(at, { start, end: start + Math.ceil((at + Math.max(bytes, 1) - start) / PAGE_SIZE) * PAGE_SIZE });
    this.mappings.set(this.current, own);
    return at;
  }

  /** Gives memory of a process back, unless it has gone with the process. */
  override free(at: Ptr): void {
    for (const own of this.mappings.values()) if (own.delete(at)) super.free(at);
  }

  /** How many bytes from an address on are a process's own; of `count`. */
  private owned(process: Process, at: Ptr, count: number): number {
    for (const { start, end } of this.mappings.get(process)?.values() ?? [])
      if (at >= start && at < end) return Math.min(count, end - at);
    return 0;
  }

  override copyTo(to: Ptr, bytes: Uint8Array, process = this.current): number {
    const possible = this.owned(process, to, bytes.length);
    const left = bytes.length - possible;
    return possible === 0 ? left : left + super.copyTo(to, bytes.subarray(0, possible));
  }

  override copyFrom(from: Ptr, count: number, process = this.current): Uint8Array {
    return super.copyFrom(from, this.owned(process, from, count));
  }

  made(): void {}
  threadMade(): void {}
  threadGone(): void {}

  /** The end of a process is that of its memory. */
  gone(process: Process): void {
    const own = [...(this.mappings.get(process)?.keys() ?? [])];
    this.mappings.delete(process);
    for (const at of own) super.free(at);
  }
}
