import { EndlessWork, GuestFault } from '../../cpu/fault.js';
import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Listeners } from '../../kernel/listeners.js';
import { type SchedulerHooks, THREAD_SIZE } from '../../kernel/task/scheduler.js';
import type { Task } from '../../kernel/task/task.js';
import { TASK_DEAD } from '../abi/task-state.js';
import { TaskCredentials } from '../credentials.js';
import type { LinuxKernel } from '../kernel.js';
import { TaskParts } from './task-parts.js';

/** What a task's count of references begins with. */
const OWN_REFERENCES = 2;

/** task_struct.flags: a kernel thread (PF_KTHREAD, include/linux/sched.h). */
const PF_KTHREAD = 0x0020_0000;
/** Bits of preempt_count: softirqs served or turned off, hard interrupts (include/linux/preempt.h). */
const IN_INTERRUPT = 0x000f_ff00;
/** task_struct.nr_dirtied_pause of a new task: 128 KiB in pages. */
const DIRTIED_BEFORE_PAUSE = 32;
/** Stacks of tasks may take an eighth of the memory. */
const THREADS_SHARE = 8;
/** thread_info.flags (arch/x86/include/asm/thread_info.h). */
const TIF_SIGPENDING = 1 << 2;
/** What the parent of a process gets when that ends. */
const SIGCHLD = 17;
const TIF_NOTIFY_SIGNAL = 1 << 17;
/** PREEMPT_NEED_RESCHED of arch/x86/include/asm/preempt.h, whose sense is inverted. */
const NO_RESCHED = 0x8000_0000;

/**
 * task_structs: what `current` and the tasks' own fields look like to modules, kept true while the scheduler
 * switches between tasks.
 */
export class Processes implements SchedulerHooks {
  /** &current_task of the one CPU, where inlined `current` reads. */
  readonly currentTaskSlot: Ptr;
  /** &__preempt_count. */
  readonly preemptCountSlot: Ptr;
  private readonly topOfStackSlot: Ptr;
  private readonly taskStruct: StructType;
  private readonly byObject = new Map<Ptr, Task>();
  private readonly exitListeners = new Listeners<(task: Task) => void>();
  /** task_structs of ended tasks, to use again. */
  private readonly free: Ptr[] = [];
  private nextPid = 100;
  private initTask: Ptr = 0;
  private template: Uint8Array = new Uint8Array();
  private readonly parts: TaskParts;

  constructor(private readonly k: LinuxKernel) {
    this.taskStruct = k.struct('task_struct');
    this.parts = new TaskParts(k);
    this.currentTaskSlot = this.percpuMember('current_task', 'current_task');
    this.preemptCountSlot = this.percpuMember('__preempt_count', 'preempt_count');
    this.topOfStackSlot = this.percpuMember('cpu_current_top_of_stack', 'top_of_stack');
  }

  /** init_task: the idle task that is current before anything else runs. */
  boot(): void {
    const { k, taskStruct } = this;
    this.initTask = k.symbol('init_task');
    taskStruct.set(this.initTask, 'usage', 2);
    taskStruct.setText(this.initTask, 'comm', 'swapper/0');
    taskStruct.set(this.initTask, 'flags', PF_KTHREAD);
    taskStruct.set(this.initTask, 'prio', 120);
    taskStruct.set(this.initTask, 'static_prio', 120);
    taskStruct.set(this.initTask, 'normal_prio', 120);
    taskStruct.set(this.initTask, 'group_leader', this.initTask);
    taskStruct.set(this.initTask, 'parent', this.initTask);
    taskStruct.set(this.initTask, 'real_parent', this.initTask);
    this.link(this.initTask);
    if (taskStruct.has('nsproxy') && k.hasSymbol('init_nsproxy'))
      taskStruct.set(this.initTask, 'nsproxy', k.symbol('init_nsproxy'));
    if (k.hasSymbol('init_cred')) {
      taskStruct.set(this.initTask, 'cred', k.symbol('init_cred'));
      taskStruct.set(this.initTask, 'real_cred', k.symbol('init_cred'));
    }
    if (taskStruct.has('fs') && k.hasSymbol('init_fs'))
      taskStruct.set(this.initTask, 'fs', k.symbol('init_fs'));
    // The group of all tasks: what is in it only the target's own code knows.
    const group = k.addressOfNative('init_css_set');
    if (taskStruct.has('cgroups') && group !== undefined) taskStruct.set(this.initTask, 'cgroups', group);
    this.allowMemory();
    this.preemptCount = 0;
    this.template = k.space.readable(this.initTask, taskStruct.size).slice();
    k.space.storePtr(this.currentTaskSlot, this.initTask);
  }

  /** Pages may come from the one node, and as many may be dirtied before writers are slowed down as a fork allows. */
  private allowMemory(): void {
    const { k, taskStruct } = this;
    if (taskStruct.has('mems_allowed')) k.space.store8(taskStruct.addr(this.initTask, 'mems_allowed'), 1);
    for (const rotor of ['cpuset_mem_spread_rotor', 'cpuset_slab_spread_rotor'] as const)
      if (taskStruct.has(rotor)) taskStruct.set(this.initTask, rotor, -1);
    taskStruct.set(this.initTask, 'nr_dirtied_pause', DIRTIED_BEFORE_PAUSE);
  }

  isKernelThread({ object }: Task): boolean {
    return (this.k.struct('task_struct').get(object, 'flags') & PF_KTHREAD) !== 0;
  }

  /** Creates a task with its task_struct; it runs when the scheduler picks it, unless `runnable` is false. */
  create(
    name: string,
    root: Sleepable<unknown>,
    options: { kernelThread?: boolean; runnable?: boolean } = {},
  ): Task {
    return this.k.scheduler.spawn(name, root, {
      runnable: options.runnable ?? true,
      prepare: (task) => this.prepare(task, options.kernelThread ?? false),
    });
  }

  /** Whether there are as many tasks as the machine's memory allows (max_threads, kernel/fork.c). */
  get full(): boolean {
    return this.byObject.size >= this.mostThreads || this.k.budget.available < 2 * THREAD_SIZE;
  }

  private get mostThreads(): number {
    return Math.floor(this.k.budget.limit / (THREADS_SHARE * THREAD_SIZE));
  }

  /** The task behind a task_struct. */
  taskOf(object: Ptr): Task | undefined {
    return this.byObject.get(object);
  }

  pid(task: Task): number {
    return task.object === 0 ? 0 : this.taskStruct.get(task.object, 'pid');
  }

  /** TASK_* state that a task has set itself to: what wake_up looks at. */
  stateOf(object: Ptr): number {
    return this.taskStruct.get(object, '__state');
  }

  setState(object: Ptr, state: number): void {
    this.taskStruct.set(object, '__state', state);
  }

  /** signal_pending(): a signal, or a kthread_stop that interrupts sleeping. */
  signalPending(object: Ptr): boolean {
    return (this.taskStruct.get(object, 'thread_info.flags') & (TIF_SIGPENDING | TIF_NOTIFY_SIGNAL)) !== 0;
  }

  /** Makes signal_pending() of a task true: what kthread_stop does to interrupt its sleep. */
  notifySignal(object: Ptr): void {
    const flags = this.taskStruct.get(object, 'thread_info.flags');
    this.taskStruct.set(object, 'thread_info.flags', flags | TIF_NOTIFY_SIGNAL);
  }

  onExit(listener: (task: Task) => void): () => void {
    return this.exitListeners.add(listener);
  }

  /** preempt_count without its top bit, which x86 keeps set while no reschedule is needed. */
  get preemptCount(): number {
    return this.k.space.load32(this.preemptCountSlot) & ~NO_RESCHED;
  }

  set preemptCount(value: number) {
    this.k.space.store32(this.preemptCountSlot, (value | NO_RESCHED) >>> 0);
  }

  switchTo(task: Task): void {
    const { space } = this.k;
    space.storePtr(this.currentTaskSlot, task.object);
    space.storePtr(this.topOfStackSlot, task.stackBase + task.stackSize);
    this.preemptCount = task.preemptCount;
  }

  switchFrom(task: Task): void {
    task.preemptCount = this.preemptCount;
    this.preemptCount = 0;
    this.k.space.storePtr(this.currentTaskSlot, this.initTask);
  }

  /** in_serving_softirq(), local_bh_disable(), in_hardirq(): softirqs wait (kernel/softirq.c). */
  deferred(): boolean {
    return (this.preemptCount & IN_INTERRUPT) !== 0;
  }

  ended(task: Task): void {
    this.setState(task.object, TASK_DEAD);
    for (const listener of this.exitListeners) this.tell(listener, task);
    this.parts.release(task.object);
    this.byObject.delete(task.object);
    if (!this.isHeld(task.object)) this.free.push(task.object);
  }

  /** do_exit() takes down what the task_struct leads to, which a module may have overwritten. */
  private tell(listener: (task: Task) => void, task: Task): void {
    try {
      listener(task);
    } catch (error) {
      if (!(error instanceof GuestFault || error instanceof EndlessWork)) throw error;
      this.k.traps.hostError(task, error, 'do_exit');
    }
  }

  /** Whether somebody holds a reference on a task (get_task_struct()) besides the kernel's own. */
  isHeld(object: Ptr): boolean {
    return this.taskStruct.get(object, 'usage') > OWN_REFERENCES;
  }

  /** Whether the members of a task's task_struct that never change are what they were. */
  intact(task: Task): boolean {
    const { taskStruct } = this;
    const { object, stackBase } = task;
    return (
      taskStruct.get(object, 'stack') === stackBase && taskStruct.get(object, 'pid') === this.pids.get(object)
    );
  }

  private readonly pids = new Map<Ptr, number>();

  private prepare(task: Task, kernelThread: boolean): void {
    const { k, taskStruct } = this;
    const object = this.free.pop() ?? k.permanent(taskStruct.size);
    task.object = object;
    this.byObject.set(object, task);
    k.space.bytes.set(this.template, object);
    taskStruct.set(object, 'usage', OWN_REFERENCES);
    taskStruct.setText(object, 'comm', task.name);
    const pid = this.nextPid++;
    taskStruct.set(object, 'pid', pid);
    this.pids.set(object, pid);
    taskStruct.set(object, 'tgid', pid);
    taskStruct.set(object, 'flags', kernelThread ? PF_KTHREAD : 0);
    taskStruct.set(object, 'stack', task.stackBase);
    taskStruct.set(object, 'group_leader', object);
    taskStruct.set(object, 'exit_signal', SIGCHLD);
    taskStruct.set(object, 'exit_signal', SIGCHLD);
    this.link(object);
    this.parts.attach(object, pid, kernelThread, this.mostThreads);
    k.get(TaskCredentials).inherit(task, kernelThread);
  }

  /** Empty list heads of a task, so that inlined list walks end. */
  private link(object: Ptr): void {
    for (const list of ['tasks', 'children', 'sibling', 'thread_group', 'thread_node'])
      if (this.taskStruct.has(list)) {
        const head = this.taskStruct.addr(object, list);
        this.k.space.storePtr(head, head);
        this.k.space.storePtr(head + 8, head);
      }
  }

  /** A hot per-CPU variable: of its own, or from 6.2 on a member of pcpu_hot; where no symbol tells, nobody else reads it. */
  private percpuMember(name: string, member: string): Ptr {
    const { k } = this;
    if (k.hasSymbol(name)) return k.percpuSymbol(name);
    if (!k.hasSymbol('pcpu_hot')) return k.permanent(8);
    return k.percpuSymbol('pcpu_hot') + k.struct('pcpu_hot').offsetOf(member);
  }
}
