import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { OutOfMemory } from '../../kernel/errors.js';
import { Listeners } from '../../kernel/listeners.js';
import { type SchedulerHooks, THREAD_SIZE } from '../../kernel/task/scheduler.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';

/** Bytes of a process's name, with its NUL (MAXCOMLEN, sys/param.h). */
const MAXCOMLEN = 20;
/** The first thread id (PID_MAX + 2 of sys/sys/proc.h). */
const FIRST_TID = 100_000;
const FIRST_PID = 700;
/** Alignment of a struct thread: what locks keep in its low bits is five flags (sys/sys/_mutex.h and its like). */
const THREAD_ALIGN = 64;
/** Threads may take an eighth of the memory for their stacks. */
const THREADS_SHARE = 8;

/** A process: its struct proc, and the tasks that are its threads. */
export interface Process {
  readonly proc: Ptr;
  readonly pid: number;
  name: string;
  /** P_KPROC: it has no memory of its own. */
  readonly ofKernel: boolean;
  readonly threads: Set<Task>;
}

/** What is said of a thread that is to be made. */
export interface NewThread {
  readonly name: string;
  readonly process: Process;
  /** It does not run before somebody wakes it. */
  readonly stopped?: boolean;
}

/** Who keeps parts of a process. */
export interface ProcessWatcher {
  /** Its struct is there, and has nothing in it yet but what it is. */
  made(process: Process): void;
  threadMade(process: Process, thread: Ptr): void;
  threadGone(process: Process, thread: Ptr): void;
  /** Its last thread has ended. */
  gone(process: Process): void;
}

/**
 * struct proc and struct thread: what curthread and its fields look like to modules, kept true while the scheduler switches between
 * tasks. A task is a thread.
 */
export class Processes implements SchedulerHooks {
  /** proc0, `kernel`, whose threads are the kernel's. */
  kernel!: Process;
  /** What of a thread is set before it runs, by who keeps it: credentials, virtual networks. */
  readonly onThread: ((thread: Ptr, proc: Ptr) => void)[] = [];
  private pcpu: Ptr = 0;
  private thread0: Ptr = 0;
  private nextPid = FIRST_PID;
  private nextTid = FIRST_TID;
  private readonly byThread = new Map<Ptr, Task>();
  private readonly byTask = new Map<Task, Process>();
  private readonly freeThreads: Ptr[] = [];
  private readonly freeProcs: Ptr[] = [];
  private readonly exits = new Listeners<(task: Task) => void>();
  private readonly all = new Set<Process>();
  /** Told of every process and thread that comes and goes: who keeps what of them modules look at. */
  readonly watchers: ProcessWatcher[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  /** pcpu, proc0 and thread0, which is current while no other runs. */
  boot(): void {
    const { k } = this;
    this.pcpu = k.permanent(k.sizeOf('pcpu'));
    k.space.storePtr(k.variable('__pcpu'), this.pcpu);
    k.space.storePtr(k.variable('cpuid_to_pcpu'), this.pcpu);
    const pcpu = k.struct('pcpu');
    k.cpu.gsBase = k.space.toAddress(this.pcpu);
    const proc = k.variable('proc0', k.sizeOf('proc'));
    this.kernel = { proc, pid: 0, name: 'kernel', ofKernel: true, threads: new Set() };
    this.all.add(this.kernel);
    this.fillProc(this.kernel);
    this.thread0 = k.variable('thread0_st', k.sizeOf('thread'));
    this.fillThread(this.thread0, this.kernel, 'swapper');
    pcpu.set(this.pcpu, 'pc_prvspace', this.pcpu);
    pcpu.set(this.pcpu, 'pc_idlethread', this.thread0);
    this.curthread = this.thread0;
  }

  /** pc_curthread, at gs:0. */
  get curthread(): Ptr {
    return this.k.space.loadPtr(this.pcpu);
  }

  private set curthread(thread: Ptr) {
    this.k.space.storePtr(this.pcpu, thread);
  }

  /** The current CPU's struct pcpu. */
  get pcpuAt(): Ptr {
    return this.pcpu;
  }

  /** A new process of the kernel's own, without threads. */
  newProcess(name: string, pid = this.nextPid++): Process {
    return this.fork(name, pid, true);
  }

  private fork(name: string, pid: number, ofKernel: boolean): Process {
    const proc = this.freeProcs.pop() ?? this.k.permanent(this.k.sizeOf('proc'));
    const process: Process = { proc, pid, name, ofKernel, threads: new Set() };
    this.all.add(process);
    this.fillProc(process);
    for (const watcher of this.watchers) watcher.made(process);
    return process;
  }

  /** A thread round a function of the base kernel. Throws OutOfMemory where threads have all the memory that they may have. */
  spawn({ name, process, stopped }: NewThread, body: Sleepable<unknown>): Task {
    const { k } = this;
    if ((k.scheduler.tasks.size + 1) * THREAD_SIZE > k.budget.limit / THREADS_SHARE)
      throw new OutOfMemory('threads have all the memory that they may have for their stacks');
    return k.scheduler.spawn(name, body, {
      runnable: !stopped,
      prepare: (task) => {
        const thread = this.freeThreads.pop() ?? this.newThread();
        this.fillThread(thread, process, name);
        task.object = thread;
        process.threads.add(task);
        this.byThread.set(thread, task);
        this.byTask.set(task, process);
        for (const watcher of this.watchers) watcher.threadMade(process, thread);
      },
    });
  }

  /** The low bits of a thread's address are flags in words of locks. */
  private newThread(): Ptr {
    const at = this.k.permanent(this.k.sizeOf('thread') + THREAD_ALIGN);
    return Math.ceil(at / THREAD_ALIGN) * THREAD_ALIGN;
  }

  /** A user's process, with one thread. */
  create(name: string, body: Sleepable<unknown>): Task {
    return this.spawn({ name, process: this.fork(name, this.nextPid++, false) }, body);
  }

  taskOf(thread: Ptr): Task | undefined {
    return this.byThread.get(thread);
  }

  processOf(task: Task): Process {
    return this.byTask.get(task) ?? this.kernel;
  }

  /** Calls a function for every thread that is there and every one that comes. */
  forThreads(give: (thread: Ptr, proc: Ptr) => void): void {
    this.onThread.push(give);
    give(this.curthread, this.kernel.proc);
    for (const { proc, threads } of this.all) for (const { object } of threads) give(object, proc);
  }

  /** The process of a struct proc. */
  processAt(proc: Ptr): Process | undefined {
    for (const process of this.all) if (process.proc === proc) return process;
    return undefined;
  }

  byPid(pid: number): Process | undefined {
    for (const process of this.all) if (process.pid === pid) return process;
    return undefined;
  }

  get list(): readonly Process[] {
    return [...this.all];
  }

  tid(thread: Ptr): number {
    return this.k.struct('thread').get(thread, 'td_tid');
  }

  /** td_name, as messages have it. */
  nameOf(task: Task): string {
    return task.object === 0 ? task.name : this.k.struct('thread').text(task.object, 'td_name');
  }

  /** The struct thread of a task that ends is nobody else's afterwards: words of locks tell of it still. */
  keepThread(task: Task): void {
    this.kept.add(task);
  }

  private readonly kept = new Set<Task>();

  onExit(listener: (task: Task) => void): void {
    this.exits.add(listener);
  }

  switchTo(task: Task): void {
    this.curthread = task.object || this.thread0;
  }

  switchFrom(): void {
    this.curthread = this.thread0;
  }

  ended(task: Task): void {
    for (const listener of this.exits) listener(task);
    const process = this.byTask.get(task);
    this.byTask.delete(task);
    this.byThread.delete(task.object);
    if (process && task.object !== 0)
      for (const watcher of this.watchers) watcher.threadGone(process, task.object);
    if (task.object !== 0 && !this.kept.delete(task)) this.freeThreads.push(task.object);
    if (!process || process === this.kernel) return;
    process.threads.delete(task);
    if (process.threads.size > 0) return;
    for (const watcher of this.watchers) watcher.gone(process);
    this.all.delete(process);
    this.freeProcs.push(process.proc);
  }

  /** Software interrupts wait while the interrupted thread is in a critical section. */
  deferred(): boolean {
    return this.critnest > 0;
  }

  /** curthread->td_critnest. */
  get critnest(): number {
    return this.k.struct('thread').get(this.curthread, 'td_critnest');
  }

  set critnest(count: number) {
    this.k.struct('thread').set(this.curthread, 'td_critnest', count);
  }

  private fillProc({ proc, pid, name, ofKernel }: Process): void {
    const { k } = this;
    const type = k.struct('proc');
    k.space.writable(proc, type.size).fill(0);
    type.set(proc, 'p_pid', pid);
    type.setText(proc, 'p_comm', name.slice(0, MAXCOMLEN - 1));
    type.set(proc, 'p_state', k.enumValue('PRS_NORMAL'));
    type.set(proc, 'p_magic', k.macro('P_MAGIC'));
    const own = ofKernel ? k.macro('P_SYSTEM') | k.macro('P_KPROC') : 0;
    type.set(proc, 'p_flag', k.macro('P_INMEM') | own);
  }

  private fillThread(thread: Ptr, process: Process, name: string): void {
    const { k } = this;
    const type = k.struct('thread');
    k.space.writable(thread, type.size).fill(0);
    type.set(thread, 'td_proc', process.proc);
    type.set(thread, 'td_tid', this.nextTid++);
    type.setText(thread, 'td_name', name.slice(0, MAXCOMLEN - 1));
    for (const set of this.onThread) set(thread, process.proc);
  }
}
