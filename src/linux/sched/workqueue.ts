import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { block, type Sleepable, yieldCpu } from '../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { RECORD_OF_HOST_BYTES } from '../../kernel/mm/budget.js';
import type { Task } from '../../kernel/task/task.js';
import { list } from '../abi/list.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { WorkData } from '../abi/work-data.js';
import { noSuchObject, selfWait } from '../errors.js';
import { type Holding, heldStructs, type Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { DebugObjects } from '../lib/misc/debug-objects.js';
import { Vsprintf } from '../lib/vsprintf/vsprintf.js';
import type { Subsystem } from '../subsystem.js';
import { jiffiesNow } from '../time/jiffies.js';
import { Timers } from '../time/timer.js';
import { warn } from '../warn.js';
import { Waiters } from './waiters.js';
import { reportLeak } from './work-leak.js';
import { WorkOrder } from './work-order.js';

const IDLE = 0x402;

interface Workqueue {
  readonly name: string;
  readonly queue: Ptr[];
  readonly workers: Task[];
  readonly idle: Task[];
  /** Work being executed, by the worker that does. */
  readonly running: Map<Task, Ptr>;
  /** Who created it; undefined for the kernel's own. */
  readonly by: Origin | undefined;
  maxActive: number;
  destroyed: boolean;
}

const SYSTEM_QUEUES = [
  'system_wq',
  'system_highpri_wq',
  'system_long_wq',
  'system_unbound_wq',
  'system_freezable_wq',
  'system_power_efficient_wq',
  'system_freezable_power_efficient_wq',
  'system_bh_wq',
  'system_bh_highpri_wq',
  'system_percpu_wq',
  'system_dfl_wq',
] as const;
const MAX_WORKERS = 16;
/** Flushes after which draining a queue is said to take long (kernel/workqueue.c). */
const DRAIN_TRIES = 10;

/** Workqueues (Documentation/core-api/workqueue.rst): queues of work_structs served by kernel threads. */
export class Workqueues implements Subsystem {
  private readonly queues = new Map<Ptr, Workqueue>();
  private readonly queueOf: Map<Ptr, Workqueue>;
  private readonly waiters: Waiters;
  private readonly words: WorkData;
  private workerCount = 0;
  private readonly order = new WorkOrder();

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
    this.words = new WorkData(k);
    const hint = (work: Ptr): Ptr => k.struct('work_struct').get(work, 'func');
    this.queueOf = k.get(DebugObjects).table('work_struct', hint);
  }

  readonly exports = {
    alloc_workqueue: (format: Ptr, _flags: number, maxActive: number, args: VarArgs) =>
      this.allocate(format, maxActive, args),
    destroy_workqueue: (wq: Ptr) => this.destroy(wq),
    queue_work_on: (_cpu: number, wq: Ptr, work: Ptr) => this.queueWork(wq, work),
    queue_work_node: (_node: number, wq: Ptr, work: Ptr) => this.queueWork(wq, work),
    queue_delayed_work_on: (_cpu: number, wq: Ptr, work: Ptr, delay: number) =>
      this.queueDelayed(wq, work, delay),
    mod_delayed_work_on: (_cpu: number, wq: Ptr, work: Ptr, delay: number) =>
      this.modifyDelayed(wq, work, delay),
    delayed_work_timer_fn: (timer: Ptr) => this.delayedExpired(timer),
    cancel_work_sync: (work: Ptr) => this.cancelSync(work),
    cancel_work: (work: Ptr) => this.cancel(work),
    cancel_delayed_work: (work: Ptr) => this.cancelDelayed(work),
    cancel_delayed_work_sync: (work: Ptr) => this.cancelDelayedSync(work),
    flush_work: (work: Ptr) => this.flushWork(work),
    flush_delayed_work: (work: Ptr) => this.flushDelayed(work),
    __flush_workqueue: (wq: Ptr) => this.flushQueue(this.at(wq)),
    drain_workqueue: (wq: Ptr) => this.drain(this.at(wq)),
    work_busy: (work: Ptr) => (this.words.isPending(work) ? 1 : 0) | (this.isRunning(work) ? 2 : 0),
    workqueue_congested: nothing('a queue has as many workers as it needs', false),
    workqueue_set_max_active: (wq: Ptr, max: number) => {
      this.at(wq).maxActive = Math.min(max, MAX_WORKERS);
    },
    current_work: () => this.currentWork(),
    queue_rcu_work: (wq: Ptr, work: Ptr) => this.queueWork(wq, work),
    flush_rcu_work: (work: Ptr) => this.flushWork(work),
    schedule_on_each_cpu: (fn: Ptr) => this.onEachCpu(fn),
    execute_in_process_context: (fn: Ptr, work: Ptr) => this.inProcessContext(fn, work),
    set_worker_desc: nothing('descriptions of workers are not shown', undefined),
  };

  readonly data = Object.fromEntries(
    SYSTEM_QUEUES.map((name) => [
      name,
      (at: Ptr) => {
        const wq = this.k.permanent(64);
        this.add(wq, name.replace(/^system_/, 'events_').replace(/_?wq$/, ''), undefined, MAX_WORKERS);
        this.k.space.storePtr(at, wq);
      },
    ]),
  );

  /** Queues, and work that is queued but has not run. */
  *holds(): Generator<Holding> {
    for (const [wq, { name, by }] of this.queues) yield { kind: 'workqueue', at: wq, by, name: () => name };
    yield* heldStructs(
      this.k,
      { kind: 'queued work', struct: 'work_struct', uses: ['func'] },
      this.queueOf.keys(),
    );
  }

  /** Creates a workqueue of the base kernel itself. */
  create(name: string): Ptr {
    const wq = this.k.permanent(64);
    this.add(wq, name, undefined, MAX_WORKERS);
    return wq;
  }

  /** Takes a queue away again; nothing is queued on it. */
  dispose(wq: Ptr): void {
    const queue = this.at(wq);
    queue.destroyed = true;
    for (const worker of queue.idle.splice(0)) this.k.scheduler.wake(worker);
    this.queues.delete(wq);
  }

  private allocate(format: Ptr, maxActive: number, args: VarArgs): Ptr {
    const name = this.k.get(Vsprintf).text(format, args);
    const { budget, slab } = this.k;
    if (!budget.take(RECORD_OF_HOST_BYTES)) return 0;
    const wq = slab.allocateBytes(64, true);
    if (wq === 0) {
      budget.give(RECORD_OF_HOST_BYTES);
      return 0;
    }
    this.add(wq, name, this.k.origins.here(), maxActive === 0 ? MAX_WORKERS : maxActive);
    return wq;
  }

  private add(wq: Ptr, name: string, by: Origin | undefined, maxActive: number): void {
    this.queues.set(wq, {
      name,
      queue: [],
      workers: [],
      idle: [],
      running: new Map(),
      by,
      maxActive: Math.min(maxActive, MAX_WORKERS),
      destroyed: false,
    });
  }

  private at(wq: Ptr): Workqueue {
    const queue = this.queues.get(wq);
    if (!queue) throw noSuchObject(this.k.space, wq, 'workqueue');
    return queue;
  }

  private *destroy(wq: Ptr): Sleepable<void> {
    const queue = this.at(wq);
    yield* this.drain(queue);
    this.dispose(wq);
    this.k.budget.give(RECORD_OF_HOST_BYTES);
    this.k.slab.free(wq);
  }

  private isRunning(work: Ptr): boolean {
    for (const queue of this.queues.values())
      for (const running of queue.running.values()) if (running === work) return true;
    return false;
  }

  /** INIT_WORK() of memory that is zero. */
  init(work: Ptr, fn: Ptr): void {
    const type = this.k.struct('work_struct');
    list.init(this.k.space, type.addr(work, 'entry'));
    type.set(work, 'func', fn);
  }

  /** True if it was queued, false if it was pending already or is disabled. */
  queueWork(wq: Ptr, work: Ptr): boolean {
    if (this.words.isPending(work) || this.words.disabled(work) > 0n) return false;
    this.words.setPending(work, true);
    this.insert(this.at(wq), work);
    return true;
  }

  private insert(queue: Workqueue, work: Ptr): void {
    // Memory that nobody made a work of: the kernel would link it into nothing, and does not run it.
    const entry = this.k.struct('work_struct').addr(work, 'entry');
    if (!list.isEmpty(this.k.space, entry)) {
      warn(this.k, '', 'kernel/workqueue.c:1502', '__queue_work');
      return;
    }
    queue.queue.push(work);
    this.order.queued(work);
    this.k.origins.note(work);
    this.queueOf.set(work, queue);
    const idle = queue.idle.pop();
    if (idle) this.k.scheduler.wake(idle);
    else if (queue.workers.length < queue.maxActive) this.addWorker(queue);
  }

  /** Where there are too many tasks, work waits for the workers that there are (create_worker()). */
  private addWorker(queue: Workqueue): void {
    if (this.k.processes.full) {
      this.k.log.once('workqueue: Failed to create a worker thread: -EAGAIN', LOGLEVEL_ERR);
      return;
    }
    const number = this.workerCount++;
    const worker = this.k.processes.create(`kworker/0:${number}`, this.serve(queue), { kernelThread: true });
    queue.workers.push(worker);
  }

  /** A worker thread: takes work, runs it, sleeps when there is none. */
  private *serve(queue: Workqueue): Sleepable<undefined> {
    const { k } = this;
    const task = k.executor.current!;
    const type = k.struct('work_struct');
    while (!queue.destroyed) {
      const work = queue.queue.find((candidate) => ![...queue.running.values()].includes(candidate));
      if (work === undefined) {
        queue.idle.push(task);
        k.processes.setState(task.object, IDLE);
        k.traps.scheduling();
        yield* block();
        k.processes.setState(task.object, 0);
        continue;
      }
      queue.queue.splice(queue.queue.indexOf(work), 1);
      this.queueOf.delete(work);
      const fn = type.get(work, 'func');
      list.init(k.space, type.addr(work, 'entry'));
      this.words.setPending(work, false);
      queue.running.set(task, work);
      this.order.started(task, work);
      yield* k.callAs('v:p', fn, work);
      reportLeak(k, task, fn);
      queue.running.delete(task);
      this.order.ended(task);
      this.waiters.wakeAll(work);
      if (task.needsResched) yield* yieldCpu();
    }
    return undefined;
  }

  /** queue_delayed_work(): false if it was pending already or is disabled. `delay` is in jiffies. */
  queueDelayed(wq: Ptr, work: Ptr, delay: number): boolean {
    if (this.words.isPending(work) || this.words.disabled(work) > 0n) return false;
    this.words.setPending(work, true);
    this.armDelayed(wq, work, delay);
    return true;
  }

  private armDelayed(wq: Ptr, work: Ptr, delay: number): void {
    if (delay <= 0) {
      this.insert(this.at(wq), work);
      return;
    }
    this.k.origins.note(work);
    const type = this.k.struct('delayed_work');
    type.set(work, 'wq', wq);
    type.set(work, 'cpu', this.k.enumValue('WORK_CPU_UNBOUND'));
    const timer = type.addr(work, 'timer');
    if (this.k.struct('timer_list').get(timer, 'function') === 0)
      this.k.get(Timers).init(timer, this.k.fn('delayed_work_timer_fn'), 0);
    this.k.get(Timers).modify(timer, jiffiesNow(this.k) + delay);
  }

  /** True if it was pending before. */
  private modifyDelayed(wq: Ptr, work: Ptr, delay: number): boolean {
    const was = this.cancelDelayed(work);
    if (this.words.disabled(work) > 0n) return was;
    this.words.setPending(work, true);
    this.armDelayed(wq, work, delay);
    return was;
  }

  private delayedExpired(timer: Ptr): void {
    const type = this.k.struct('delayed_work');
    const work = type.of(timer, 'timer');
    this.insert(this.at(type.get(work, 'wq')), work);
  }

  cancel(work: Ptr): boolean {
    const was = this.words.isPending(work);
    const queue = this.queueOf.get(work);
    if (queue) {
      queue.queue.splice(queue.queue.indexOf(work), 1);
      this.queueOf.delete(work);
    }
    if (was) this.words.setPending(work, false);
    return was;
  }

  private *cancelSync(work: Ptr): Sleepable<boolean> {
    const was = this.cancel(work);
    yield* this.waitRunning(work);
    return was;
  }

  cancelDelayed(work: Ptr): boolean {
    const timer = this.k.struct('delayed_work').addr(work, 'timer');
    this.k.get(Timers).remove(timer);
    return this.cancel(work);
  }

  private *cancelDelayedSync(work: Ptr): Sleepable<boolean> {
    const was = this.cancelDelayed(work);
    yield* this.waitRunning(work);
    return was;
  }

  private *waitRunning(work: Ptr): Sleepable<void> {
    if (!this.hasFunction(work)) return;
    if (this.currentWork() === work) throw selfWait('cancel_work_sync', 'work, from its own function', work);
    while (this.isRunning(work)) yield* this.waiters.wait(work, TASK_UNINTERRUPTIBLE);
  }

  /** __flush_work(): work without a function was never made one. */
  private hasFunction(work: Ptr): boolean {
    if (this.k.struct('work_struct').get(work, 'func') !== 0) return true;
    const name = ['__flush_work', '__flush_work.isra.0'].find((symbol) => this.k.hasSymbol(symbol));
    if (name) warn(this.k, '', 'kernel/workqueue.c:3069', name);
    return false;
  }

  private *flushWork(work: Ptr): Sleepable<boolean> {
    if (!this.hasFunction(work)) return false;
    const busy = this.queueOf.has(work) || this.isRunning(work);
    if (this.currentWork() === work) throw selfWait('flush_work', 'work, from its own function', work);
    while (this.queueOf.has(work) || this.isRunning(work))
      yield* this.waiters.wait(work, TASK_UNINTERRUPTIBLE);
    return busy;
  }

  /** flush_delayed_work(): true if it had to be waited for. */
  *flushDelayed(work: Ptr): Sleepable<boolean> {
    const type = this.k.struct('delayed_work');
    if (this.k.get(Timers).remove(type.addr(work, 'timer'))) this.insert(this.at(type.get(work, 'wq')), work);
    return yield* this.flushWork(work);
  }

  /** Waits for all work that is queued now, not for what is queued meanwhile. */
  private *flushQueue(queue: Workqueue): Sleepable<void> {
    const limit = this.order.next;
    const own = this.currentWork();
    if (own !== 0 && [...queue.running.values()].includes(own))
      throw selfWait('flush_workqueue', `the queue '${queue.name}', from work on it`, own);
    for (;;) {
      const [, running] = [...queue.running].find(([task]) => this.order.ofRun(task) < limit) ?? [];
      const work = queue.queue.find((one) => this.order.ofQueued(one) < limit) ?? running;
      if (work === undefined) return;
      yield* this.waiters.wait(work, TASK_UNINTERRUPTIBLE);
    }
  }

  /** Flushes until nothing is left; says now and then that work goes on queueing itself. */
  private *drain(queue: Workqueue): Sleepable<void> {
    for (let tries = 1; ; tries++) {
      yield* this.flushQueue(queue);
      if (queue.queue.length === 0 && queue.running.size === 0) return;
      if (tries === DRAIN_TRIES || (tries % 100 === 0 && tries <= 1000))
        this.k.log.line(
          `workqueue ${queue.name}: drain_workqueue() isn't complete after ${tries} tries`,
          LOGLEVEL_WARNING,
        );
    }
  }

  private currentWork(): Ptr {
    const task = this.k.executor.current;
    for (const queue of this.queues.values()) {
      const work = task && queue.running.get(task);
      if (work) return work;
    }
    return 0;
  }

  private *onEachCpu(fn: Ptr): Sleepable<number> {
    const work = this.k.slab.allocateBytes(this.k.sizeOf('work_struct'), true);
    yield* this.k.callAs('v:p', fn, work);
    this.k.slab.free(work);
    return 0;
  }

  private *inProcessContext(fn: Ptr, work: Ptr): Sleepable<number> {
    yield* this.k.callAs('v:p', fn, this.k.struct('execute_work').addr(work, 'work'));
    return 0;
  }
}
