import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { Kthreads } from '../sched/kthread.js';
import { Workqueues } from '../sched/workqueue.js';
import { Hrtimers } from '../time/hrtimer.js';
import { Timers } from '../time/timer.js';
import { symbolize } from '../traps/symbolize.js';
import type { LoadedModule } from './loaded-module.js';

/**
 * Looks, after a module's exit function ran and before its memory goes, for what would still run its code:
 * threads, timers, queued work. The real kernel finds out by crashing later; here each is reported at once.
 */
export function reportLeftBehind(k: LinuxKernel, module: LoadedModule): void {
  const report = (what: string, at: Ptr, fn: Ptr): void => {
    const message = `modbox: ${module.name} was unloaded but left ${what} behind: ${symbolize(k, fn)}`;
    k.traps.leftBehind(module, message, at, fn);
  };
  const threads = k.get(Kthreads);
  for (const { name, fn, task } of threads.alive())
    if (module.contains(fn)) report(`the kernel thread '${name}'`, task.object, fn);
  for (const timers of [k.get(Timers), k.get(Hrtimers)])
    for (const { timer, fn } of timers.outstanding())
      if (module.contains(fn) || module.contains(timer)) report('a pending timer', timer, fn);
  for (const { work, fn } of k.get(Workqueues).queuedWork())
    if (module.contains(fn) || module.contains(work)) report('queued work', work, fn);
  for (const { name, creator } of k.get(Workqueues).outstanding())
    if (creator === module) report(`the workqueue '${name}'`, module.struct, module.struct);
}
