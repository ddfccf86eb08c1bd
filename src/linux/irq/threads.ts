import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { TASK_INTERRUPTIBLE, TASK_NORMAL } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import { Sched } from '../sched/core.js';
import { Kthreads } from '../sched/kthread.js';
import type { Subsystem } from '../subsystem.js';
import { IrqChips } from './chip.js';
import { IrqDescs } from './irq-desc.js';

/** Threads that do an interrupt's work where it may sleep: `irq/24-name`, one for each handler that has a part for it. */
export class IrqThreads implements Subsystem {
  readonly exports = {};
  /** The descriptors of handlers that have a thread. */
  private readonly descs = new Map<Ptr, Ptr>();
  /** Handlers whose threads are at work. */
  private readonly busy = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  /** setup_irq_thread(): a thread that waits for its interrupt. */
  create(desc: Ptr, action: Ptr, irq: number): void {
    const { k } = this;
    const type = k.struct('irqaction');
    const name = `irq/${irq}-${type.string(action, 'name')}`.slice(0, 15);
    const main = k.exports.hostFunction('irq_thread', 'i:p', (data: Ptr) => this.main(data));
    const { object } = k.get(Kthreads).create(name, main, action);
    type.set(action, 'thread', object);
    this.descs.set(action, desc);
    k.get(Sched).wakeUp(object, TASK_NORMAL);
  }

  /** __irq_wake_thread(); false where a handler has no thread. */
  wake(desc: Ptr, action: Ptr): boolean {
    const { k } = this;
    const type = k.struct('irqaction');
    if (!this.descs.has(action)) return false;
    const run = 1 << k.enumValue('IRQTF_RUNTHREAD');
    const flags = type.get(action, 'thread_flags');
    if (flags & run) return true;
    type.set(action, 'thread_flags', flags | run);
    const descs = k.struct('irq_desc');
    const oneshot = descs.getBig(desc, 'threads_oneshot') | type.getBig(action, 'thread_mask');
    descs.setBig(desc, 'threads_oneshot', oneshot);
    k.get(Sched).wakeUp(type.get(action, 'thread'), TASK_NORMAL);
    return true;
  }

  /** Whether a handler's thread has work or is at it. */
  isBusy(action: Ptr): boolean {
    const { k } = this;
    const run = 1 << k.enumValue('IRQTF_RUNTHREAD');
    return this.busy.has(action) || (k.struct('irqaction').get(action, 'thread_flags') & run) !== 0;
  }

  /** Ends a handler's thread, once it has done what it was woken for. */
  *end(action: Ptr): Sleepable<void> {
    const { k } = this;
    if (!this.descs.delete(action)) return;
    yield* k.get(Kthreads).stop(k.struct('irqaction').get(action, 'thread'));
  }

  /** irq_thread() */
  private *main(action: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('irqaction');
    const run = 1 << k.enumValue('IRQTF_RUNTHREAD');
    for (;;) {
      const flags = type.get(action, 'thread_flags');
      if (flags & run) {
        type.set(action, 'thread_flags', flags & ~run);
        this.busy.add(action);
        yield* type.call(action, 'thread_fn', type.get(action, 'irq'), type.get(action, 'dev_id'));
        yield* this.finishOneshot(action);
        this.busy.delete(action);
      } else if (k.get(Kthreads).exports.kthread_should_stop()) return 0;
      else {
        k.processes.setState(k.current, TASK_INTERRUPTIBLE);
        yield* k.get(Sched).schedule();
      }
    }
  }

  /** irq_finalize_oneshot(): the device was told, its interrupt may come again. */
  private *finishOneshot(action: Ptr): Sleepable<void> {
    const { k } = this;
    const desc = this.descs.get(action);
    const mask = k.struct('irqaction').getBig(action, 'thread_mask');
    if (desc === undefined || mask === 0n) return;
    const type = k.struct('irq_desc');
    const left = type.getBig(desc, 'threads_oneshot') & ~mask;
    type.setBig(desc, 'threads_oneshot', left);
    if (left === 0n && !k.get(IrqDescs).has(desc, 'IRQD_IRQ_DISABLED')) yield* k.get(IrqChips).unmask(desc);
  }
}
