import { HOST_RETURN } from '../../cpu/cpu-types.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { Task } from '../../kernel/task/task.js';
import { SOFTIRQ_OFFSET } from '../abi/preempt-count.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { CUT_HERE } from '../warn.js';
import { callTrace, moduleOf } from './call-trace.js';
import { modulesLine } from './oops-text.js';

/** Locks of PREEMPT_RT whose holders are in a read-side section of RCU (kernel/locking/spinlock_rt.c, kernel/softirq.c). */
const RCU_LOCKS: ReadonlySet<string> = new Set(['rt_spinlock', 'rt_rwlock', 'local_lock']);

/** Sleeping where nobody may: with preemption or interrupts off, or in interrupt context. */
export class AtomicChecks {
  constructor(private readonly k: LinuxKernel) {}

  /**
   * might_sleep(): reported always; the log has it only where the target's kernel checks it
   * (CONFIG_DEBUG_ATOMIC_SLEEP).
   */
  mightSleep(file: string, line: number): void {
    const { k } = this;
    const task = k.executor.current;
    // What a kernel does while it boots, nobody interrupts.
    if (!task || k.native?.settingUp !== undefined) return;
    if (!this.isAtomic(task) && !this.servesSoftirq()) {
      task.mayResched = task.needsResched && k.traps.preemption.atMightSleep;
      return;
    }
    this.complain(task, file, line);
  }

  /** rtlock_might_resched(): where a lock of PREEMPT_RT is taken that one may have to sleep for, also in a softirq. */
  mightLock(file: string, line: number): void {
    const task = this.k.executor.current;
    if (task && this.isAtomic(task)) this.complain(task, file, line);
  }

  private isAtomic(task: Task): boolean {
    const { processes, cpu } = this.k;
    return processes.preemptCount !== 0 || !cpu.interruptsEnabled || task.isInterrupt;
  }

  private complain(task: Task, file: string, line: number): void {
    const { k } = this;
    const message = `BUG: sleeping function called from invalid context at ${file}:${line}`;
    if (k.configured('CONFIG_DEBUG_ATOMIC_SLEEP')) this.log(task, message, k.processes.preemptCount);
    this.record(task, message);
  }

  /** As `scheduling`, for a task that waits for a lock of PREEMPT_RT: read-side sections of RCU allow that. */
  schedulingForLock(): void {
    this.whileAtomic();
  }

  /** What schedule() looks at before it takes the CPU from a task: atomic context, then read-side sections of RCU. */
  scheduling(): void {
    this.whileAtomic();
    this.insideRcu();
  }

  /** rcu_note_context_switch(): said once a boot, and reported each time. */
  private insideRcu(): void {
    const { k } = this;
    const task = k.executor.current;
    if (!task || k.current === 0) return;
    // With PREEMPT_RT who holds a spinlock is in such a section too.
    const type = k.struct('task_struct');
    const nesting = type.has('rcu_read_lock_nesting') ? type.get(k.current, 'rcu_read_lock_nesting') : 0;
    if (nesting <= 0 && !task.holds.some(({ lockKind }) => RCU_LOCKS.has(lockKind))) return;
    const message = 'Voluntary context switch within RCU read-side critical section!';
    if (this.saidOfRcu) this.record(task, message);
    else {
      this.saidOfRcu = true;
      k.log.line(CUT_HERE, LOGLEVEL_WARNING);
      k.log.line(message, LOGLEVEL_WARNING);
      const detail = { kind: 'sleep-in-atomic', message } as const;
      k.traps.warn(task, k.fn('rcu_note_context_switch'), 'kernel/rcu/tree_plugin.h:320', true, detail);
    }
  }

  private saidOfRcu = false;

  /** schedule() in atomic context (__schedule_bug): the task goes on, preemption on again; interrupt work cannot. */
  private whileAtomic(): void {
    const { k } = this;
    const task = k.executor.current;
    const preempt = k.processes.preemptCount;
    if (!task || (preempt === 0 && !task.isInterrupt)) return;
    const count = (preempt + 1).toString(16).padStart(8, '0');
    const message = `BUG: scheduling while atomic: ${this.comm()}/${k.processes.pid(task)}/0x${count}`;
    k.log.line(message, LOGLEVEL_ERR);
    k.log.line(modulesLine(k), LOGLEVEL_ERR);
    k.traps.dumpStack();
    k.traps.taint.add('WARN', message, moduleOf(k, task, task.caller));
    this.record(task, message);
    if (task.isInterrupt) throw new Oops('sleep-in-atomic', message, task.caller);
    k.processes.preemptCount = 0;
  }

  /** in_serving_softirq() of PREEMPT_RT, where a thread does it, with preemption on. */
  private servesSoftirq(): boolean {
    const { k } = this;
    if (!k.configured('CONFIG_PREEMPT_RT') || k.current === 0) return false;
    // structs: task_struct.softirq_disable_cnt with PREEMPT_RT.
    return (k.struct('task_struct').get(k.current, 'softirq_disable_cnt') & SOFTIRQ_OFFSET) !== 0;
  }

  private log(task: Task, message: string, preempt: number): void {
    const { k } = this;
    const atomic = preempt !== 0 || task.isInterrupt ? 1 : 0;
    const irqs = k.cpu.interruptsEnabled ? 0 : 1;
    const who = `pid: ${k.processes.pid(task)}, name: ${this.comm()}`;
    k.log.line(message, LOGLEVEL_ERR);
    k.log.line(`in_atomic(): ${atomic}, irqs_disabled(): ${irqs}, non_block: 0, ${who}`, LOGLEVEL_ERR);
    k.log.line(`preempt_count: ${preempt.toString(16)}, expected: 0`, LOGLEVEL_ERR);
    k.traps.dumpStack();
  }

  private comm(): string {
    return this.k.struct('task_struct').text(this.k.current, 'comm');
  }

  private record(task: Task, message: string): void {
    const { k } = this;
    // A function that ended in a jump to the base kernel left no return address.
    const tail = k.space.toAddress(task.caller) === HOST_RETURN;
    const address = k.space.toAddress(tail ? task.entry : task.caller);
    k.traps.record(task, task.caller, 'sleep-in-atomic', message, address, callTrace(k, task));
  }
}
