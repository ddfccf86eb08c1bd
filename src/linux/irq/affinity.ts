import type { Ptr } from '../../cpu/layout.js';
import { nothing, partly } from '../../kernel/abi/fidelity.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { IrqDescs } from './irq-desc.js';

/** Which CPU an interrupt goes to (kernel/irq/manage.c): on this machine there is one. */
export class IrqAffinity implements Subsystem {
  private readonly desc: StructType;

  constructor(private readonly k: LinuxKernel) {
    this.desc = k.struct('irq_desc');
  }

  readonly exports = {
    __irq_apply_affinity_hint: (irq: number, mask: Ptr, set: boolean) => this.hint(irq, mask, set),
    irq_set_affinity: (irq: number, mask: Ptr) => this.set(irq, mask),
    irq_force_affinity: (irq: number, mask: Ptr) => this.set(irq, mask),
    irq_set_affinity_notifier: partly(
      'interrupts do not move on one CPU, so nobody is told',
      (irq: number, notify: Ptr) => this.setNotifier(irq, notify),
    ),
    probe_irq_on: nothing('no device raises an interrupt to be found by it', 0),
    probe_irq_off: nothing('no device raises an interrupt to be found by it', 0),
    probe_irq_mask: nothing('no device raises an interrupt to be found by it', 0),
  };

  private hint(irq: number, mask: Ptr, set: boolean): number | Sleepable<number> {
    const desc = this.k.get(IrqDescs).of(irq);
    if (desc === 0) return -EINVAL;
    this.desc.set(desc, 'affinity_hint', mask);
    return mask !== 0 && set ? this.hinted(irq, mask) : 0;
  }

  /** A hint that cannot be followed is a hint all the same. */
  private *hinted(irq: number, mask: Ptr): Sleepable<number> {
    yield* this.set(irq, mask);
    return 0;
  }

  /** irq_set_affinity(): -EINVAL for a mask without the CPU, and where the chip has no say in it. */
  private *set(irq: number, mask: Ptr): Sleepable<number> {
    const descs = this.k.get(IrqDescs);
    const desc = descs.of(irq);
    if (desc === 0) return -EINVAL;
    return (yield* descs.onChip(desc, 'irq_set_affinity', mask, 0)) ?? -EINVAL;
  }

  /** irq_set_affinity_notifier(): takes the one before it away. */
  private *setNotifier(irq: number, notify: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('irq_affinity_notify');
    const desc = k.get(IrqDescs).of(irq);
    if (desc === 0) return -EINVAL;
    if (notify !== 0) {
      type.set(notify, 'irq', irq);
      type.set(notify, 'kref.refcount.refs.counter', 1);
    }
    const old = this.desc.get(desc, 'affinity_notify');
    this.desc.set(desc, 'affinity_notify', notify);
    if (old !== 0) yield* this.put(old);
    return 0;
  }

  private *put(notify: Ptr): Sleepable<void> {
    const type = this.k.struct('irq_affinity_notify');
    const count = type.get(notify, 'kref.refcount.refs.counter') - 1;
    type.set(notify, 'kref.refcount.refs.counter', count);
    if (count === 0) yield* type.call(notify, 'release', type.addr(notify, 'kref'));
  }
}
