import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST, EINVAL, ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { Spinlocks } from '../locking/spinlock.js';
import type { Subsystem } from '../subsystem.js';

/** Lines of a PC's interrupt controllers that ISA devices use: they always have descriptors (nr_legacy_irqs()). */
export const LEGACY_LINES = 16;
/** The first number that is given out to who does not ask for one: behind the pins of the I/O APIC (gsi_top). */
const FIRST_DYNAMIC = 24;
/** NR_IRQS of a machine with one CPU, about. */
const LAST_IRQ = 4096;

/** desc->istate */
export const ISTATE = 'core_internal_state__do_not_mess_with_it';
const PENDING = 'pending_mask';
/** CPU masks of a descriptor. */
const MASKS = ['irq_common_data.affinity', 'irq_common_data.effective_affinity', PENDING] as const;

/** What __irq_get_desc_lock() is asked to check (kernel/irq/internals.h). */
const CHECK = 1;
const CHECK_PERCPU = 2;

/** Who an interrupt's descriptor is made for. */
export interface IrqKind {
  /** struct irq_chip; 0 for none yet. */
  readonly chip: Ptr;
  /** Function that handles it: `handle_edge_irq`. */
  readonly handler: string;
  /** Its name in /proc/interrupts: `edge`. */
  readonly name: string;
  readonly hwirq: number;
}

/**
 * Descriptors of interrupts in guest memory (kernel/irq/irqdesc.c): what native code and modules find behind a number. Their state is
 * in them alone, so that whoever changes it by the kernel's inline functions is seen.
 */
export class IrqDescs implements Subsystem {
  private readonly descs = new Map<number, Ptr>();
  private readonly type: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('irq_desc');
  }

  readonly exports = {
    irq_to_desc: (irq: number) => this.of(irq),
    irq_get_irq_data: (irq: number) => this.dataOf(irq),
    __irq_get_desc_lock: (irq: number, flags: Ptr, bus: number, check: number) =>
      this.getLocked(irq, flags, bus !== 0, check),
    __irq_put_desc_unlock: (desc: Ptr, flags: bigint, bus: number) => this.putLocked(desc, flags, bus !== 0),
    __irq_alloc_descs: (irq: number, from: number, count: number, _node: number, owner: Ptr) =>
      this.allocateRange(irq, from, count, owner),
    irq_free_descs: (from: number, count: number) => {
      for (let irq = from; irq < from + count; irq++) this.free(irq);
    },
  };

  readonly signatures = { __irq_put_desc_unlock: 'v:pQi' };

  readonly data = {
    nr_irqs: (address: Ptr) => this.k.space.store32(address, LAST_IRQ),
  };

  /** irq_to_desc(): 0 where no such interrupt is. */
  of(irq: number): Ptr {
    return this.descs.get(irq) ?? 0;
  }

  /** irq_get_irq_data() */
  dataOf(irq: number): Ptr {
    const desc = this.of(irq);
    return desc === 0 ? 0 : this.type.addr(desc, 'irq_data');
  }

  /** Every interrupt with its descriptor, by number. */
  all(): readonly (readonly [irq: number, desc: Ptr])[] {
    return [...this.descs].sort(([a], [b]) => a - b);
  }

  /** A descriptor for one interrupt that is there from now on, with chip and handler; 0 where there is no memory. */
  allocate(irq: number, { chip, handler, name, hwirq }: IrqKind): Ptr {
    const desc = this.make(irq, 0);
    if (desc === 0) return 0;
    this.type.set(desc, 'irq_data.chip', chip);
    this.type.set(desc, 'irq_data.hwirq', hwirq);
    this.type.set(desc, 'handle_irq', this.k.fn(handler));
    this.type.set(desc, 'name', this.k.constantString(name));
    return desc;
  }

  /** The lowest numbers from `from` on that are free, `count` of them in a row; -1 if there are none. */
  freeNumbers(count: number, from = FIRST_DYNAMIC): number {
    for (let start = from; start + count <= LAST_IRQ; start++) {
      let length = 0;
      while (length < count && !this.descs.has(start + length)) length++;
      if (length === count) return start;
      start += length;
    }
    return -1;
  }

  /** free_desc() */
  free(irq: number): void {
    const { k, type } = this;
    const desc = this.of(irq);
    if (desc === 0) return;
    this.descs.delete(irq);
    k.percpu.free(type.get(desc, 'kstat_irqs'));
    for (const mask of this.masks(desc)) k.slab.free(mask);
    k.slab.free(desc);
  }

  /** Bits of irq_common_data.state_use_accessors, by their enumerators. */
  has(desc: Ptr, bit: string): boolean {
    return (this.state(desc) & this.k.enumValue(bit)) !== 0;
  }

  change(desc: Ptr, clear: readonly string[], set: readonly string[]): void {
    const bits = (names: readonly string[]): number =>
      names.reduce((all, name) => all | this.k.enumValue(name), 0);
    const state = (this.state(desc) & ~bits(clear)) | bits(set);
    this.type.set(desc, 'irq_common_data.state_use_accessors', state >>> 0);
  }

  /** Settings of who made the interrupt: IRQ_NOAUTOEN and its like. */
  hasSetting(desc: Ptr, setting: string): boolean {
    return (this.type.get(desc, 'status_use_accessors') & this.k.enumValue(setting)) !== 0;
  }

  private state(desc: Ptr): number {
    return this.type.get(desc, 'irq_common_data.state_use_accessors');
  }

  private allocateRange(irq: number, from: number, count: number, owner: Ptr): number {
    if (count === 0 || (irq >= 0 && from > irq)) return -EINVAL;
    const wanted = irq >= 0 ? irq : Math.max(from, FIRST_DYNAMIC);
    const start = this.freeNumbers(count, wanted);
    if (irq >= 0 && start !== irq) return -EEXIST;
    if (start < 0) return -ENOMEM;
    for (let i = 0; i < count; i++) {
      if (this.make(start + i, owner) !== 0) continue;
      for (let done = 0; done < i; done++) this.free(start + done);
      return -ENOMEM;
    }
    return start;
  }

  /** alloc_desc() and desc_set_defaults(): disabled, masked, nobody's. */
  private make(irq: number, owner: Ptr): Ptr {
    const { k, type } = this;
    const desc = k.slab.allocateBytes(type.size, true);
    if (desc === 0) return 0;
    const common = type.addr(desc, 'irq_common_data');
    this.makeMasks(desc);
    type.set(desc, 'kstat_irqs', k.percpu.allocate(16, 8));
    type.set(desc, 'irq_data.irq', irq);
    type.set(desc, 'irq_data.hwirq', irq);
    type.set(desc, 'irq_data.common', common);
    // Who puts it into a domain, or behind another interrupt, says so later.
    type.set(desc, 'irq_data.mask', 0);
    type.set(desc, 'irq_data.domain', 0);
    type.set(desc, 'irq_data.parent_data', 0);
    type.set(desc, 'parent_irq', 0);
    type.set(desc, 'percpu_enabled', 0);
    type.set(desc, 'irq_data.chip', k.symbol('no_irq_chip'));
    type.set(desc, 'handle_irq', k.fn('handle_bad_irq'));
    type.set(desc, 'depth', 1);
    type.set(desc, 'owner', owner);
    this.change(desc, [], ['IRQD_IRQ_DISABLED', 'IRQD_IRQ_MASKED']);
    this.descs.set(irq, desc);
    return desc;
  }

  /** An interrupt goes to the one CPU that there is; where masks are memory of their own (CONFIG_CPUMASK_OFFSTACK), they are made. */
  private makeMasks(desc: Ptr): void {
    const { k, type } = this;
    for (const path of MASKS.filter((mask) => type.has(mask))) {
      let mask = type.addr(desc, path);
      if (this.isApart(path)) {
        mask = k.slab.allocateBytes(8, true);
        type.set(desc, path, mask);
      }
      if (path !== PENDING) k.space.store8(mask, 1);
    }
  }

  private isApart(path: string): boolean {
    return this.type.member(path).kind === 'ptr';
  }

  private masks(desc: Ptr): Ptr[] {
    return MASKS.filter((path) => this.type.has(path) && this.isApart(path)).map((path) =>
      this.type.get(desc, path),
    );
  }

  private *getLocked(irq: number, flags: Ptr, bus: boolean, check: number): Sleepable<Ptr> {
    const { k } = this;
    const desc = this.of(irq);
    if (desc === 0) return 0;
    const percpu = this.hasSetting(desc, 'IRQ_PER_CPU_DEVID');
    if ((check & CHECK) !== 0 && percpu !== ((check & CHECK_PERCPU) !== 0)) return 0;
    if (bus) yield* this.onChip(desc, 'irq_bus_lock');
    const spin = k.get(Spinlocks).exports;
    k.space.store64(flags, spin._raw_spin_lock_irqsave(this.type.addr(desc, 'lock')));
    return desc;
  }

  private *putLocked(desc: Ptr, flags: bigint, bus: boolean): Sleepable<void> {
    this.k.get(Spinlocks).exports._raw_spin_unlock_irqrestore(this.type.addr(desc, 'lock'), flags);
    if (bus) yield* this.onChip(desc, 'irq_bus_sync_unlock');
  }

  /** Calls a function of an interrupt's chip, if it has that; undefined if not. */
  *onChip(desc: Ptr, method: string, ...args: number[]): Sleepable<number | undefined> {
    const chips = this.k.struct('irq_chip');
    const chip = this.type.get(desc, 'irq_data.chip');
    if (chip === 0 || chips.get(chip, method) === 0) return undefined;
    return yield* chips.call(chip, method, this.type.addr(desc, 'irq_data'), ...args);
  }
}
