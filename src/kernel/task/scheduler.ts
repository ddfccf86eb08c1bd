import type { CpuContract } from '../../cpu/cpu-types.js';
import type { Convention } from '../abi/convention.js';
import type { Clock } from '../clock.js';
import type { Sleepable } from '../effects.js';
import { OutOfMemory } from '../errors.js';
import type { AreaAllocator } from '../mm/area-allocator.js';
import { nameOf, type Probes } from '../probes.js';
import type { Random } from '../random.js';
import type { Executor } from './executor.js';
import { Task } from './task.js';

/** Bytes of a kernel stack (THREAD_SIZE on x86-64). */
export const THREAD_SIZE = 16384;

/** Virtual nanoseconds that it takes to switch to another task, or to serve an interrupt. */
const SWITCH_NS = 2000;
/** Delays are collected up to this before they are waited for in real time. */
const SHORTEST_WAIT_NS = 500_000;
/** Rounds of interrupt work before tasks get a turn again: MAX_SOFTIRQ_RESTART, after which ksoftirqd takes over. */
export const MAX_ROUNDS = 10;

export interface SchedulerHooks {
  /** Called when `task` gets the CPU and when it loses it. */
  switchTo(task: Task): void;
  switchFrom(task: Task): void;
  ended(task: Task): void;
  /** Whether what may be put off of interrupt work has to wait: the interrupted task has it turned off. */
  deferred(): boolean;
}

/** Something beside the machine that goes on in real time, and interrupts it. */
export interface Companion {
  /** Looks what has come meanwhile. */
  poll(): void;
  /** The machine is idle for so many nanoseconds: waits as long in real time, or until something comes. */
  wait(nanoseconds: number): { readonly waited: number; readonly happened: boolean };
}

/** Work that runs on top of whichever task is current, and must not block. */
interface InterruptWork {
  readonly name: string;
  readonly body: () => Sleepable<unknown>;
  /** May be put off, as softirqs are. */
  readonly deferrable: boolean;
}

/**
 * One virtual CPU. Runnable tasks take turns; with a seed other than 0 the next one is drawn by chance.
 * Interrupt work (timers, softirqs) runs between turns on a stack of its own. When nothing is runnable, time
 * jumps to the next alarm.
 */
export class Scheduler {
  readonly tasks = new Set<Task>();
  /** Set before the first task runs. */
  hooks!: SchedulerHooks;
  companion: Companion | undefined;
  /** The task whose context is in the register file, also while interrupt work runs on top of it. */
  current: Task | undefined;
  private readonly ready: Task[] = [];
  private interruptWork: InterruptWork[] = [];
  private nextId = 1;
  private initialContext: ArrayBufferLike | undefined;
  private spareStacks: number[] = [];
  private lastOnCpu: Task | undefined;

  constructor(
    private readonly cpu: CpuContract,
    private readonly clock: Clock,
    private readonly convention: Convention,
    private readonly executor: Executor,
    private readonly stacks: AreaAllocator,
    private readonly random: Random,
    private readonly chance: boolean,
    /** Brings the clock up to what was executed. */
    private readonly syncClock: () => void,
    private readonly probes: Probes,
  ) {}

  /** Creates a runnable task round a base kernel function. `id` defaults to the next free one. */
  spawn(
    name: string,
    root: Sleepable<unknown>,
    options: { runnable?: boolean; prepare?: (task: Task) => void } = {},
  ): Task {
    const task = this.create(name, root, false);
    this.tasks.add(task);
    options.prepare?.(task);
    if (options.runnable === false) task.state = 'blocked';
    else this.ready.push(task);
    return task;
  }

  /** Makes a blocked task runnable; false if it was not blocked. */
  wake(task: Task): boolean {
    if (task.state !== 'blocked') return false;
    task.state = 'runnable';
    this.ready.push(task);
    return true;
  }

  /** Ends a task that is not running, wherever it is: what it holds stays held. */
  kill(task: Task): void {
    if (task.ended || task === this.current) return;
    const at = this.ready.indexOf(task);
    if (at >= 0) this.ready.splice(at, 1);
    task.state = 'killed';
    this.end(task);
  }

  /** Queues work to run in interrupt context at the next opportunity; if it may be put off, when that is allowed. */
  interrupt(name: string, body: () => Sleepable<unknown>, deferrable = true): void {
    this.interruptWork.push({ name, body, deferrable });
  }

  /** Brings virtual time up to the executed instructions and fires the alarms that are due. */
  fireAlarms(): void {
    for (let alarm = this.clock.takeDue(); alarm; alarm = this.clock.takeDue()) alarm.fire();
  }

  /**
   * Runs until `done`, or until nothing is runnable and no alarm is due before `deadline` (nanoseconds since
   * boot). True if `done`.
   */
  run(done: () => boolean, deadline = Number.POSITIVE_INFINITY): boolean {
    const outer = this.running;
    this.running = true;
    try {
      return this.runTurns(done, deadline);
    } finally {
      this.running = outer;
    }
  }

  /** Whether something in the machine is under way: what is called now is called by it. */
  get isRunning(): boolean {
    return this.running;
  }

  private running = false;

  private runTurns(done: () => boolean, deadline: number): boolean {
    for (;;) {
      this.companion?.poll();
      this.fireAlarms();
      this.runInterrupts();
      if (done()) return true;
      if (this.clock.now > deadline) return false;
      const task = this.pick();
      if (task) {
        this.turn(task);
        continue;
      }
      if (this.interruptWork.length > 0) continue;
      const next = this.clock.next;
      if (this.companionComes(Math.min(next ?? deadline, deadline))) continue;
      if (next === undefined || next > deadline) return false;
      this.clock.now = Math.max(this.clock.now, next);
    }
  }

  /** Idle time is real time where something beside the machine takes part: whether it has come before `until`. */
  private companionComes(until: number): boolean {
    const { clock, companion } = this;
    if (!companion || until <= clock.now) return false;
    const { waited, happened } = companion.wait(until - clock.now);
    if (happened) clock.now = Math.min(until, clock.now + waited);
    return happened;
  }

  /** Somebody lets time pass without giving the CPU away: whatever is beside the machine gets as much. */
  passing(nanoseconds: number): void {
    if (!this.companion) return;
    this.owed += nanoseconds;
    if (this.owed < SHORTEST_WAIT_NS) return;
    const { waited } = this.companion.wait(this.owed);
    this.owed = Math.max(0, this.owed - waited);
  }

  private owed = 0;

  /** How often a task was given the CPU. */
  turns = 0;

  /** Lets everything that is runnable run, and time pass by `nanoseconds`, unless `stopped` says to stop. */
  settle(nanoseconds: number, stopped: () => boolean = () => false): void {
    const deadline = this.clock.now + nanoseconds;
    this.run(stopped, deadline);
    this.clock.now = Math.max(this.clock.now, deadline);
  }

  /**
   * Runs queued interrupt work now. What such work queues in its turn runs too, for some rounds; then it waits until tasks had
   * a turn, so that work which queues itself again and again does not keep everybody else from running.
   */
  runInterrupts(): void {
    for (let round = 0; round < MAX_ROUNDS && this.interruptWork.length > 0; round++) {
      const work = this.interruptWork;
      const off = this.hooks.deferred();
      const batch = off ? work.filter(({ deferrable }) => !deferrable) : work;
      this.interruptWork = off ? work.filter(({ deferrable }) => deferrable) : [];
      for (const { name, body } of batch) this.runInterrupt(name, body);
      if (batch.length === 0) return;
    }
  }

  private runInterrupt(name: string, body: () => Sleepable<unknown>): void {
    const root = body();
    const task = this.create(name, root, true);
    const pause = this.onCpu(task, () => this.executor.resume(task));
    if (pause === 'blocked' || pause === 'yielded') task.state = 'killed';
    // What died on the way: the interrupted task goes on, with the CPU as it was.
    if (pause !== 'finished') root.return(undefined);
    this.releaseStack(task);
    this.spend();
  }

  private spend(): void {
    this.syncClock();
    this.clock.now += SWITCH_NS;
  }

  private pick(): Task | undefined {
    if (this.ready.length === 0) return undefined;
    const at = this.chance ? this.random.below(this.ready.length) : 0;
    return this.ready.splice(at, 1)[0];
  }

  private turn(task: Task): void {
    if (task.ended) return;
    this.current = task;
    this.turns++;
    task.lastScheduled = this.clock.now;
    task.needsResched = false;
    this.hooks.switchTo(task);
    const pause = this.onCpu(task, () => this.executor.resume(task));
    this.hooks.switchFrom(task);
    this.current = undefined;
    this.spend();
    switch (pause) {
      case 'yielded':
        this.ready.push(task);
        return;
      case 'blocked':
        task.state = 'blocked';
        return;
      case 'finished':
      case 'killed':
        task.state = pause;
        this.end(task);
    }
  }

  private onCpu<T>(task: Task, body: () => T): T {
    if (task.context) this.cpu.loadContext(task.context);
    else this.enterFresh(task);
    const interrupted = task.isInterrupt ? this.current : undefined;
    this.tellSwitch(task);
    const result = body();
    task.context = this.cpu.saveContext();
    if (interrupted) this.tellSwitch(interrupted);
    return result;
  }

  private tellSwitch(to: Task): void {
    const from = this.lastOnCpu;
    if (from === to) return;
    this.lastOnCpu = to;
    this.probes.switched?.({ from: from && nameOf(from), to: nameOf(to) });
  }

  private enterFresh(task: Task): void {
    this.initialContext ??= this.cpu.saveContext();
    this.cpu.loadContext(this.initialContext);
    this.convention.begin(task.stackBase + task.stackSize);
    this.cpu.interruptsEnabled = true;
  }

  private create(name: string, root: Sleepable<unknown>, isInterrupt: boolean): Task {
    const stack = this.spareStacks.pop() ?? this.stacks.allocate(THREAD_SIZE, 'stack');
    if (stack === 0) throw new OutOfMemory('no room for another kernel stack');
    const task = new Task(this.nextId++, name, stack, THREAD_SIZE, isInterrupt, root);
    task.lastScheduled = this.clock.now;
    return task;
  }

  private end(task: Task): void {
    this.tasks.delete(task);
    this.hooks.ended(task);
    this.releaseStack(task);
  }

  private releaseStack(task: Task): void {
    this.spareStacks.push(task.stackBase);
  }
}
