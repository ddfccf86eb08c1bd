import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { Workqueues } from '../sched/workqueue.js';
import type { Subsystem } from '../subsystem.js';
import { Timers } from '../time/timer.js';
import { JumpLabels } from './jump-label.js';

/** Static keys that are turned off late, so that turning them on and off often patches little (kernel/jump_label.c). */
export class DeferredStaticKeys implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    jump_label_rate_limit: (key: Ptr, jiffies: number) => this.rateLimit(key, jiffies),
    jump_label_update_timeout: (work: Ptr) => this.timeout(work),
    __static_key_slow_dec_deferred: (key: Ptr, work: Ptr, jiffies: number) =>
      this.decrement(key, work, jiffies),
    __static_key_deferred_flush: (_key: Ptr, work: Ptr) => this.k.get(Workqueues).flushDelayed(work),
  };

  private rateLimit(key: Ptr, jiffies: number): void {
    const { k } = this;
    const type = k.struct('static_key_deferred');
    type.set(key, 'timeout', jiffies);
    const delayed = k.struct('delayed_work');
    const work = type.addr(key, 'work');
    k.get(Workqueues).init(delayed.addr(work, 'work'), k.fn('jump_label_update_timeout'));
    k.get(Timers).init(delayed.addr(work, 'timer'), k.fn('delayed_work_timer_fn'), 0);
  }

  /** The last decrement of several is the one that waits. */
  private decrement(key: Ptr, work: Ptr, jiffies: number): void {
    const labels = this.k.get(JumpLabels);
    if (labels.count(key) > 1) {
      labels.decrement(key);
      return;
    }
    const queue = this.k.space.loadPtr(this.k.symbol('system_wq'));
    this.k.get(Workqueues).queueDelayed(queue, work, jiffies);
  }

  private timeout(work: Ptr): void {
    const type = this.k.struct('static_key_deferred');
    const key = type.addr(type.of(work, 'work.work'), 'key');
    this.k.get(JumpLabels).decrement(key);
  }
}
