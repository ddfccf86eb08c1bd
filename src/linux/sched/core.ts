import type { Ptr } from '../../cpu/layout.js';
import { constant, nothing } from '../../kernel/abi/fidelity.js';
import { block, type Sleepable, yieldCpu } from '../../kernel/effects.js';
import { TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_RTLOCK_WAIT, TASK_RUNNING } from '../abi/task-state.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Preemption } from './preemption.js';
import { holdMemory } from './user-mm.js';

const NO_WORK = 'no work waits for a task to return to its program';

/** schedule(), wake-ups and what else of kernel/sched/core.c modules call. */
export class Sched implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    schedule: () => this.schedule(),
    io_schedule: () => this.schedule(),
    yield: () => yieldCpu(),
    task_work_cancel: nothing(NO_WORK, 0),
    task_work_cancel_func: nothing(NO_WORK, 0),
    task_work_cancel_match: nothing(NO_WORK, 0),
    task_work_run: nothing(NO_WORK, undefined),
    __cond_resched: () => this.condResched(),
    __cond_resched_lock: () => this.condResched(),
    __SCT__cond_resched: () => this.condResched(),
    __SCT__might_resched: () => (this.k.get(Preemption).model === 'voluntary' ? this.condResched() : 0),
    __SCT__preempt_schedule: nothing('a task is preempted at the end of its time slice', undefined),
    __SCT__preempt_schedule_notrace: nothing('a task is preempted at the end of its time slice', undefined),
    preempt_schedule: nothing('a task is preempted at the end of its time slice', undefined),
    preempt_schedule_notrace: nothing('a task is preempted at the end of its time slice', undefined),
    wake_up_process: (task: Ptr) => this.wakeUp(task, TASK_NORMAL),
    wake_up_state: (task: Ptr, state: number) => this.wakeUp(task, state),
    try_to_wake_up: (task: Ptr, state: number, _wakeFlags: number) => this.wakeUp(task, state),
    set_user_nice: (task: Ptr, nice: number) => {
      this.k.struct('task_struct').set(task, 'static_prio', 120 + nice);
      this.k.struct('task_struct').set(task, 'prio', 120 + nice);
    },
    sched_set_fifo: (task: Ptr) => this.k.struct('task_struct').set(task, 'policy', 1),
    sched_set_fifo_low: (task: Ptr) => this.k.struct('task_struct').set(task, 'policy', 1),
    sched_set_normal: (task: Ptr) => this.k.struct('task_struct').set(task, 'policy', 0),
    set_cpus_allowed_ptr: constant(0),
    sched_setscheduler_nocheck: (task: Ptr, policy: number) => {
      this.k.struct('task_struct').set(task, 'policy', policy);
      return 0;
    },
    __put_task_struct: nothing('the struct of a task that has ended is kept', undefined),
    kthread_use_mm: (mm: Ptr) => this.useMemory(mm),
    kthread_unuse_mm: () => this.useMemory(0),
    get_task_mm: (task: Ptr) => this.memoryOf(task),
    mmput: (mm: Ptr) => holdMemory(this.k, mm, -1),
    mmput_async: (mm: Ptr) => holdMemory(this.k, mm, -1),
    __mmdrop: nothing('the address space of a task is kept', undefined),
    wake_q_add: (head: Ptr, task: Ptr) => this.queueWake(head, task),
    wake_up_q: (head: Ptr) => this.wakeQueued(head),
    __get_task_comm: (buffer: Ptr, size: number, task: Ptr) => {
      const comm = this.k.struct('task_struct').text(task, 'comm');
      this.k.space.storeCstring(buffer, comm.slice(0, size - 1));
      return buffer;
    },
    migrate_disable: () => this.pin(1),
    migrate_enable: () => this.pin(-1),
    preempt_model_none: () => this.k.get(Preemption).model === 'none',
    preempt_model_voluntary: () => this.k.get(Preemption).model === 'voluntary',
    preempt_model_full: () => this.k.get(Preemption).model === 'full',
    task_curr: (task: Ptr) => (task === this.k.current ? 1 : 0),
    kick_process: constant(undefined),
    wake_up_if_idle: constant(undefined),
    psi_memstall_enter: nothing('stalls are not accounted', undefined),
    psi_memstall_leave: nothing('stalls are not accounted', undefined),
    single_task_running: () => this.k.scheduler.tasks.size <= 1,
  };

  readonly signatures = {
    __SCT__cond_resched: 'i:',
    __SCT__might_resched: 'i:',
    __SCT__preempt_schedule: 'v:',
    __SCT__preempt_schedule_notrace: 'v:',
  };

  /** Gives way to others if a tick has come since the task got the CPU, and the task may: 1 if it did. */
  private condResched(): number | Sleepable<number> {
    const task = this.k.executor.current;
    // A task that can be preempted anywhere needs no places for it.
    if (this.k.get(Preemption).model === 'full') return 0;
    if (!task?.needsResched || task.isInterrupt || this.k.processes.preemptCount !== 0) return 0;
    return this.giveWay();
  }

  private *giveWay(): Sleepable<number> {
    yield* yieldCpu();
    return 1;
  }

  /** Gives up the CPU: until woken if the task set itself to a sleeping state, else for one turn. */
  *schedule(): Sleepable<void> {
    const { k } = this;
    const task = k.executor.current!;
    k.traps.scheduling();
    if (k.processes.stateOf(task.object) === TASK_RUNNING) {
      yield* yieldCpu();
      return;
    }
    if (k.processes.stateOf(task.object) & TASK_INTERRUPTIBLE && k.processes.signalPending(task.object)) {
      k.processes.setState(task.object, TASK_RUNNING);
      return;
    }
    while (k.processes.stateOf(task.object) !== TASK_RUNNING) yield* block();
  }

  /** try_to_wake_up(): 1 if the task was in one of the states. */
  wakeUp(object: Ptr, states: number): number {
    const { k } = this;
    const state = k.processes.stateOf(object);
    if (state === TASK_RTLOCK_WAIT) return this.wakeSaved(object, states);
    if ((state & states) === 0) return 0;
    k.processes.setState(object, TASK_RUNNING);
    const task = k.processes.taskOf(object);
    if (task) k.scheduler.wake(task);
    return 1;
  }

  /** Wakes a task that waits for a lock before it goes on sleeping (ttwu_state_match()): it will find itself woken. */
  private wakeSaved(object: Ptr, states: number): number {
    // structs: task_struct.saved_state with PREEMPT_RT, as tasks that wait so.
    const type = this.k.struct('task_struct');
    if ((type.get(object, 'saved_state') & states) === 0) return 0;
    type.set(object, 'saved_state', TASK_RUNNING);
    return 1;
  }

  /** A kernel thread takes on the address space of a process, or gives it up (0). */
  private useMemory(mm: Ptr): void {
    const type = this.k.struct('task_struct');
    type.set(this.k.current, 'mm', mm);
    type.set(this.k.current, 'active_mm', mm);
  }

  private memoryOf(task: Ptr): Ptr {
    const mm = this.k.struct('task_struct').get(task, 'mm');
    if (mm !== 0) holdMemory(this.k, mm, 1);
    return mm;
  }

  /** wake_q_add(): puts a task in a list of those to wake, unless it is in one. The end of a list is 1. */
  private queueWake(head: Ptr, task: Ptr): void {
    const { k } = this;
    const type = k.struct('task_struct');
    if (type.get(task, 'wake_q.next') !== 0) return;
    type.set(task, 'wake_q.next', 1);
    type.set(task, 'usage.refs.counter', type.get(task, 'usage.refs.counter') + 1);
    const queue = k.struct('wake_q_head');
    const node = type.addr(task, 'wake_q');
    k.space.storePtr(queue.get(head, 'lastp'), node);
    queue.set(head, 'lastp', node);
  }

  /** wake_up_q() */
  private wakeQueued(head: Ptr): void {
    const { k } = this;
    const type = k.struct('task_struct');
    let node = k.struct('wake_q_head').get(head, 'first');
    while (node !== 1) {
      const task = type.of(node, 'wake_q');
      node = type.get(task, 'wake_q.next');
      type.set(task, 'wake_q.next', 0);
      this.wakeUp(task, TASK_NORMAL);
      type.set(task, 'usage.refs.counter', type.get(task, 'usage.refs.counter') - 1);
    }
  }

  /** migrate_disable(): there is one CPU to stay on; what is seen of it is the task's count. */
  pin(step: 1 | -1): void {
    const type = this.k.struct('task_struct');
    const task = this.k.current;
    type.set(task, 'migration_disabled', type.get(task, 'migration_disabled') + step);
  }
}
