import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { WorkData } from '../abi/work-data.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { Workqueues } from './workqueue.js';

/** Work that cannot be queued for the time being (kernel/workqueue.c): each disabling wants an enabling. */
export class WorkDisabling implements Subsystem {
  private known: WorkData | undefined;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    disable_work: (work: Ptr) => this.disable(work, this.queues.cancel(work)),
    disable_work_sync: (work: Ptr) => this.disableSync(work, 'cancel_work_sync'),
    enable_work: (work: Ptr) => this.enable(work),
    disable_delayed_work: (work: Ptr) => this.disable(work, this.queues.cancelDelayed(work)),
    disable_delayed_work_sync: (work: Ptr) => this.disableSync(work, 'cancel_delayed_work_sync'),
    enable_delayed_work: (work: Ptr) => this.enable(work),
  };

  private disable(work: Ptr, wasPending: boolean): boolean {
    this.words.setDisabled(work, this.words.disabled(work) + 1n);
    return wasPending;
  }

  /** Disabled first, so that work which queues itself comes to an end. */
  private *disableSync(
    work: Ptr,
    cancel: 'cancel_work_sync' | 'cancel_delayed_work_sync',
  ): Sleepable<boolean> {
    this.disable(work, false);
    return yield* this.queues.exports[cancel](work);
  }

  /** True if the work may be queued again. */
  private enable(work: Ptr): boolean {
    const count = this.words.disabled(work);
    if (count === 0n)
      warn(this.k, 'workqueue: work disable count underflowed\n', 'kernel/workqueue.c', 'enable_work');
    else this.words.setDisabled(work, count - 1n);
    return count <= 1n;
  }

  private get queues(): Workqueues {
    return this.k.get(Workqueues);
  }

  private get words(): WorkData {
    this.known ??= new WorkData(this.k);
    return this.known;
  }
}
