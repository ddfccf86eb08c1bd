import type { Ptr } from '../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import type { Task } from '../../kernel/task/task.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';

/** Of process_one_work(): a function that ends in atomic context leaves the worker in it. */
export function reportLeak(k: LinuxKernel, task: Task, fn: Ptr): void {
  const count = k.processes.preemptCount;
  if (count === 0) return;
  const shown = count.toString(16).padStart(8, '0');
  const comm = k.struct('task_struct').text(task.object, 'comm');
  const head = `BUG: workqueue leaked lock or atomic: ${comm}/0x${shown}/${k.processes.pid(task)}`;
  const name = symbolize(k, fn).replace(/\+0x\S+/, '');
  k.log.line(head, LOGLEVEL_ERR);
  k.log.line(`     last function: ${name}`, LOGLEVEL_ERR);
  k.traps.dumpStack();
  k.traps.record(task, fn, 'preempt-imbalance', head, k.space.toAddress(fn), [name]);
}
