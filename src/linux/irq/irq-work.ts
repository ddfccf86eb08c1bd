import type { Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { type Sleepable, yieldCpu } from '../../kernel/effects.js';
import { counting, HARDIRQ_OFFSET } from '../abi/preempt-count.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';

/** Functions to call from a hard interrupt, for those who are where nothing may be called (kernel/irq_work.c). */
export class IrqWorks implements Subsystem {
  private readonly waiting = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    irq_work_queue: (work: Ptr) => this.queue(work),
    irq_work_queue_on: (work: Ptr) => this.queue(work),
    irq_work_sync: (work: Ptr) => this.sync(work),
    irq_work_run: nothing('work that is queued runs when interrupts come', undefined),
  };

  holds(): Iterable<Holding> {
    const what = { kind: 'queued irq_work', struct: 'irq_work', uses: ['func'] };
    return heldStructs(this.k, what, this.waiting);
  }

  /** False if it is queued already. */
  private queue(work: Ptr): boolean {
    const { k } = this;
    const flags = this.flags(work);
    const pending = k.enumValue('IRQ_WORK_PENDING');
    const busy = k.enumValue('IRQ_WORK_BUSY');
    if (flags & pending) return false;
    this.setFlags(work, flags | pending | busy);
    this.waiting.add(work);
    // With PREEMPT_RT only what asks for it runs in the interrupt.
    const hard = !k.configured('CONFIG_PREEMPT_RT') || (flags & k.enumValue('IRQ_WORK_HARD_IRQ')) !== 0;
    const body = (): Sleepable<void> => this.run(work, hard ? HARDIRQ_OFFSET : 0);
    if (hard) k.scheduler.interrupt('irq_work', body, false);
    else k.get(SoftirqQueue).raise('irq_work', body);
    return true;
  }

  private *run(work: Ptr, offset: number): Sleepable<void> {
    const { k } = this;
    const pending = k.enumValue('IRQ_WORK_PENDING');
    this.waiting.delete(work);
    this.setFlags(work, this.flags(work) & ~pending);
    yield* counting(k, offset, k.struct('irq_work').call(work, 'func', work));
    // Who queued it again meanwhile keeps it busy.
    if ((this.flags(work) & pending) === 0)
      this.setFlags(work, this.flags(work) & ~k.enumValue('IRQ_WORK_BUSY'));
  }

  private *sync(work: Ptr): Sleepable<void> {
    while (this.flags(work) & this.k.enumValue('IRQ_WORK_BUSY')) yield* yieldCpu();
  }

  private flags(work: Ptr): number {
    return this.k.struct('irq_work').get(work, 'node.a_flags.counter');
  }

  private setFlags(work: Ptr, flags: number): void {
    this.k.struct('irq_work').set(work, 'node.a_flags.counter', flags);
  }
}
