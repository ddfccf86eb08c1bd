import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { Task } from '../../kernel/task/task.js';
import { ESRCH } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { kvprintf } from './format.js';
import type { Process } from './processes.js';
import { SleepQueues } from './sleepqueue.js';

/** kthread(9) and kproc(9) (sys/kern/kern_kthread.c). */
export class Threads implements Subsystem {
  /** `intr`, the process that interrupt threads are in. */
  readonly intr: Process;
  /** Functions that threads of modules run. */
  private readonly mains = new Map<Task, { readonly fn: Ptr; readonly by: Ptr }>();

  constructor(private readonly k: FreebsdKernel) {
    this.intr = k.processes.newProcess('intr', 12);
  }

  readonly exports = {
    kproc_create: (
      fn: Ptr,
      arg: Ptr,
      place: Ptr,
      _flags: number,
      _pages: number,
      format: Ptr,
      args: VarArgs,
    ) => this.kprocCreate(fn, arg, place, this.text(format, args)),
    kproc_start: (description: Ptr) => {
      const type = this.k.struct('kproc_desc');
      const [fn, place] = [type.get(description, 'func'), type.get(description, 'global_procpp')];
      this.kprocCreate(fn, 0, place, type.string(description, 'arg0'));
    },
    kproc_exit: (code: number) => this.exit(code),
    kproc_kthread_add: (
      fn: Ptr,
      arg: Ptr,
      procPlace: Ptr,
      threadPlace: Ptr,
      _flags: number,
      _pages: number,
      name: Ptr,
      format: Ptr,
      args: VarArgs,
    ) =>
      this.kprocKthreadAdd(
        fn,
        arg,
        procPlace,
        threadPlace,
        this.k.space.cstring(name),
        this.text(format, args),
      ),
    kthread_add: (
      fn: Ptr,
      arg: Ptr,
      proc: Ptr,
      place: Ptr,
      flags: number,
      _pages: number,
      format: Ptr,
      args: VarArgs,
    ) => this.kthreadAdd(fn, arg, proc, place, flags, this.text(format, args)),
    kthread_start: (description: Ptr) => {
      const type = this.k.struct('kthread_desc');
      const [fn, place] = [type.get(description, 'func'), type.get(description, 'global_threadpp')];
      this.kthreadAdd(fn, 0, 0, place, 0, type.string(description, 'arg0'));
    },
    kthread_exit: () => this.exit(0),
    kthread_suspend: (thread: Ptr) => this.suspend(thread),
    kthread_resume: (thread: Ptr) => this.resume(thread),
    kthread_suspend_check: () => this.suspendCheck(),
    kproc_suspend: (proc: Ptr) => this.suspend(this.firstThread(proc)),
    kproc_resume: (proc: Ptr) => this.resume(this.firstThread(proc)),
    kproc_suspend_check: () => this.suspendCheck(),
    // There is one processor, and priorities decide nothing here.
    sched_prio: () => {},
    sched_class: () => {},
    sched_add: (thread: Ptr) => {
      const task = this.k.processes.taskOf(thread);
      if (task) this.k.scheduler.wake(task);
    },
    sched_bind: () => {},
    sched_unbind: () => {},
    sched_is_bound: () => 0,
    sched_relinquish: () => this.relinquish(),
    sched_sleep: () => {},
    sched_throw: () => this.exit(0),
    // A thread is freed where it exits: none waits to be.
    thread_reap_barrier: () => {},
  };

  readonly signatures = {
    kproc_create: 'i:pppiip.',
    kproc_kthread_add: 'i:ppppiipp.',
    kthread_add: 'i:ppppiip.',
  };

  private text(format: Ptr, args: VarArgs): string {
    return kvprintf(this.k.space, this.k.space.cstring(format), args);
  }

  private *relinquish(): Sleepable<void> {
    yield { kind: 'yield' };
  }

  /** A thread of the base kernel's own. */
  start(name: string, process: Process, body: Sleepable<unknown>): Task {
    return this.k.processes.spawn({ name, process }, body);
  }

  private kprocCreate(fn: Ptr, arg: Ptr, place: Ptr, name: string): number {
    const process = this.k.processes.newProcess(name);
    this.spawn(fn, arg, process, name, false);
    if (place !== 0) this.k.space.storePtr(place, process.proc);
    return 0;
  }

  private kthreadAdd(fn: Ptr, arg: Ptr, proc: Ptr, place: Ptr, flags: number, name: string): number {
    const process = proc === 0 ? this.k.processes.kernel : this.k.processes.processAt(proc);
    if (!process) return ESRCH;
    const task = this.spawn(fn, arg, process, name, (flags & this.k.macro('RFSTOPPED')) !== 0);
    if (place !== 0) this.k.space.storePtr(place, task.object);
    return 0;
  }

  private kprocKthreadAdd(
    fn: Ptr,
    arg: Ptr,
    procPlace: Ptr,
    threadPlace: Ptr,
    processName: string,
    name: string,
  ): number {
    const { space, processes } = this.k;
    const known = processes.processAt(space.loadPtr(procPlace));
    const process = known ?? processes.newProcess(processName);
    if (!known) space.storePtr(procPlace, process.proc);
    const task = this.spawn(fn, arg, process, name, false);
    if (threadPlace !== 0) space.storePtr(threadPlace, task.object);
    return 0;
  }

  private spawn(fn: Ptr, arg: Ptr, process: Process, name: string, stopped: boolean): Task {
    const { k } = this;
    const task = k.processes.spawn({ name, process, stopped }, this.main(fn, arg));
    this.mains.set(task, { fn, by: k.caller });
    return task;
  }

  private *main(fn: Ptr, arg: Ptr): Sleepable<number> {
    yield* this.k.callAs('v:p', fn, arg);
    // kproc_exit() is what a thread's function is expected to end with; who returns exits as well.
    this.wakeJoiners();
    return 0;
  }

  private *exit(_code: number): Sleepable<void> {
    this.wakeJoiners();
    this.k.executor.finishCurrent();
    yield { kind: 'block' };
  }

  /** Who waits for the end of a thread or a process sleeps on its struct. */
  private wakeJoiners(): void {
    const { k } = this;
    const task = k.executor.current;
    if (!task) return;
    const process = k.processes.processOf(task);
    k.get(SleepQueues).wakeAll(task.object);
    if (process !== k.processes.kernel && process.threads.size <= 1) k.get(SleepQueues).wakeAll(process.proc);
  }

  private readonly suspended = new Set<Ptr>();

  private firstThread(proc: Ptr): Ptr {
    const process = this.k.processes.processAt(proc);
    return process ? ([...process.threads][0]?.object ?? 0) : 0;
  }

  private *suspend(thread: Ptr): Sleepable<number> {
    this.suspended.add(thread);
    yield { kind: 'yield' };
    return 0;
  }

  private resume(thread: Ptr): number {
    this.suspended.delete(thread);
    this.k.get(SleepQueues).wakeAll(thread);
    return 0;
  }

  private *suspendCheck(): Sleepable<void> {
    const thread = this.k.curthread;
    while (this.suspended.has(thread)) yield* this.k.get(SleepQueues).sleep(thread, { message: 'ktsusp' });
  }

  boot(): void {
    this.k.processes.onExit((task) => this.mains.delete(task));
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const [task, { fn, by }] of this.mains)
      yield {
        kind: 'kernel thread',
        at: task.object,
        uses: [fn],
        by: { caller: by, serial: k.ledger.mark },
        name: () => k.processes.nameOf(task),
      };
  }
}
