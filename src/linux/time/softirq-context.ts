import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../kernel/log.js';
import { counting, SOFTIRQ_OFFSET } from '../abi/preempt-count.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { kernelContext } from '../lib/vsprintf/kernel-context.js';

/** The names that the kernel prints of softirqs, by number. */
const NAMES = 'HI TIMER NET_TX NET_RX BLOCK IRQ_POLL TASKLET SCHED HRTIMER RCU'.split(' ');
/** What handles the softirqs whose callbacks the base kernel calls itself. */
const HANDLERS: Readonly<Record<string, string>> = {
  HI: 'tasklet_hi_action',
  TIMER: 'run_timer_softirq',
  TASKLET: 'tasklet_action',
};

/**
 * Runs what a softirq calls, as handle_softirqs() and call_timer_fn() do: a callback that comes back with
 * another preempt_count is complained of, and the count set right.
 */
export function* inSoftirq(
  k: LinuxKernel,
  vector: number,
  fn: Ptr,
  call: Sleepable<unknown>,
): Sleepable<void> {
  const outside = k.processes.preemptCount;
  const before = outside + softirqOffset(k);
  k.processes.preemptCount = before;
  yield* call;
  const after = k.processes.preemptCount;
  k.processes.preemptCount = outside;
  if (after === before) return;
  if (vector === k.enumValue('TIMER_SOFTIRQ')) timerLeak(k, fn, before, after);
  else softirqLeak(k, vector, fn, before, after);
}

/** Does something as a softirq is served, whatever it leaves of preempt_count. */
export const servingSoftirq = <T>(k: LinuxKernel, call: Sleepable<T>): Sleepable<T> =>
  counting(k, softirqOffset(k), call);

/** What preempt_count says of a softirq that is served: nothing with PREEMPT_RT, where the thread's own count does. */
export function softirqOffset(k: LinuxKernel): number {
  return k.configured('CONFIG_PREEMPT_RT') ? 0 : SOFTIRQ_OFFSET;
}

/** What `%08x` prints. */
const hex = (count: number): string => (count >>> 0).toString(16).padStart(8, '0');
const leaksSaid = new WeakSet<LinuxKernel>();

function timerLeak(k: LinuxKernel, fn: Ptr, before: number, after: number): void {
  const task = k.executor.current;
  const message = `timer: ${symbolize(k, fn)} preempt leak: ${hex(before)} -> ${hex(after)}`;
  if (!task) return;
  if (leaksSaid.has(k)) {
    k.traps.record(task, fn, 'preempt-imbalance', message, k.space.toAddress(fn), [symbolize(k, fn)]);
    return;
  }
  leaksSaid.add(k);
  const at = k.hasSymbol('call_timer_fn') ? k.symbol('call_timer_fn') : fn;
  k.traps.warnWith(task, 'preempt-imbalance', message, 'kernel/time/timer.c:1707', at);
}

function softirqLeak(k: LinuxKernel, vector: number, fn: Ptr, before: number, after: number): void {
  const handler = HANDLERS[NAMES[vector]];
  const action = handler !== undefined && k.hasSymbol(handler) ? k.symbol(handler) : fn;
  const hash = kernelContext(k).hashPointer(k.space.toAddress(action)).toString(16).padStart(16, '0');
  const text = `huh, entered softirq ${vector} ${NAMES[vector]} ${hash} with preempt_count ${hex(before)}, exited with ${hex(after)}?`;
  k.log.line(`softirq: ${text}`, LOGLEVEL_ERR);
  const task = k.executor.current;
  k.traps.record(task, fn, 'preempt-imbalance', text, k.space.toAddress(fn), [symbolize(k, fn)]);
}
