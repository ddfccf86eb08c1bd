import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';

/**
 * work_struct.data of work that runs nowhere: whether it is pending, how often it was disabled where the target's
 * kernel can do that, and that no pool has it (include/linux/workqueue.h, enum work_bits).
 */
export class WorkData {
  /** What INIT_WORK() puts there: WORK_STRUCT_NO_POOL. */
  readonly idle: bigint;
  private readonly pending: bigint;
  private readonly disableShift: bigint | undefined;
  private readonly disableMask: bigint;

  constructor(private readonly k: LinuxKernel) {
    const value = (name: string): bigint => BigInt(k.enumValue(name));
    this.pending = value('WORK_STRUCT_PENDING');
    this.idle = ((1n << value('WORK_OFFQ_POOL_BITS')) - 1n) << value('WORK_OFFQ_POOL_SHIFT');
    const shift = k.types.findEnumValue('WORK_OFFQ_DISABLE_SHIFT');
    this.disableShift = shift === undefined ? undefined : BigInt(shift);
    this.disableMask = shift === undefined ? 0n : (1n << value('WORK_OFFQ_DISABLE_BITS')) - 1n;
  }

  isPending(work: Ptr): boolean {
    return (this.get(work) & this.pending) !== 0n;
  }

  setPending(work: Ptr, pending: boolean): void {
    this.set(work, pending, this.disabled(work));
  }

  /** How often it was disabled and not enabled again. */
  disabled(work: Ptr): bigint {
    return this.disableShift === undefined ? 0n : (this.get(work) >> this.disableShift) & this.disableMask;
  }

  setDisabled(work: Ptr, count: bigint): void {
    this.set(work, this.isPending(work), count & this.disableMask);
  }

  private set(work: Ptr, pending: boolean, disabled: bigint): void {
    const count = this.disableShift === undefined ? 0n : disabled << this.disableShift;
    this.struct.setBig(work, 'data.counter', this.idle | count | (pending ? this.pending : 0n));
  }

  private get(work: Ptr): bigint {
    return this.struct.getBig(work, 'data.counter');
  }

  private get struct() {
    return this.k.struct('work_struct');
  }
}
