import type { Ptr } from '../../cpu/layout.js';
import { TASK_NORMAL } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Hrtimers, MODE_HARD, MODE_SOFT } from '../time/hrtimer.js';
import { Sched } from './core.js';

/** struct hrtimer_sleeper: timers that wake the task which set them up (kernel/time/hrtimer.c). */
export class HrtimerSleepers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    hrtimer_init_sleeper: (sleeper: Ptr, clock: number, mode: number) => this.init(sleeper, clock, mode),
    hrtimer_wakeup: (timer: Ptr) => this.wake(timer),
  };

  readonly signatures = { hrtimer_wakeup: 'i:p' };

  private init(sleeper: Ptr, clock: number, mode: number): void {
    const { k } = this;
    const type = k.struct('hrtimer_sleeper');
    // With PREEMPT_RT too the interrupt itself wakes the task, but where a softirq is asked for.
    const inInterrupt = k.configured('CONFIG_PREEMPT_RT') && (mode & MODE_SOFT) === 0;
    k.get(Hrtimers).init(type.addr(sleeper, 'timer'), clock, inInterrupt ? mode | MODE_HARD : mode);
    type.set(sleeper, 'timer.function', k.fn('hrtimer_wakeup'));
    type.set(sleeper, 'task', k.current);
  }

  private wake(timer: Ptr): number {
    const { k } = this;
    const type = k.struct('hrtimer_sleeper');
    const sleeper = type.of(timer, 'timer');
    const task = type.get(sleeper, 'task');
    type.set(sleeper, 'task', 0);
    if (task !== 0) k.get(Sched).wakeUp(task, TASK_NORMAL);
    return k.enumValue('HRTIMER_NORESTART');
  }
}
