import type { Ptr } from '../../cpu/layout.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import type { Holding, Origin } from '../../kernel/modules/holding.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Locks } from './locks.js';
import { Panic } from './panic.js';
import { SleepQueues } from './sleepqueue.js';

/** epoch_call(): what is run when all who may still look at something have left. */
interface Deferred {
  readonly run: () => unknown;
  /** Where a module asked for it: its function, its context, and itself. */
  readonly guest?: { readonly callback: Ptr; readonly context: Ptr; readonly by: Origin };
  /** Sections that were open when it was asked for. */
  readonly waitsFor: Set<Section>;
}

/** A thread between epoch_enter() and epoch_exit(). */
interface Section {
  readonly task: Task | undefined;
  readonly tracker: Ptr;
}

interface Epoch {
  readonly at: Ptr;
  readonly name: string;
  readonly flags: number;
  readonly sections: Set<Section>;
  readonly deferred: Deferred[];
}

/** Bytes of a struct epoch, which only this file looks into. */
const EPOCH_BYTES = 64;
const CHANNEL = 8;

/**
 * epoch(9) (sys/kern/subr_epoch.c): sections whose threads look at what others take away, and which these wait for. Who is in a section
 * of a preemptible epoch may not sleep.
 */
export class Epochs implements Subsystem {
  private readonly epochs = new Map<Ptr, Epoch>();
  private worker: Task | undefined;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    epoch_alloc: (name: Ptr, flags: number) => this.alloc(this.k.space.cstring(name), flags),
    epoch_free: (epoch: Ptr) => this.free(epoch),
    _epoch_enter_preempt: (epoch: Ptr, tracker: Ptr) => this.enter(epoch, tracker),
    _epoch_exit_preempt: (epoch: Ptr, tracker: Ptr) => this.exit(epoch, tracker),
    epoch_enter: (epoch: Ptr) => this.enterCritical(epoch),
    epoch_exit: (epoch: Ptr) => this.exitCritical(epoch),
    epoch_wait: (epoch: Ptr) => this.wait(epoch),
    epoch_wait_preempt: (epoch: Ptr) => this.wait(epoch),
    epoch_call: (epoch: Ptr, callback: Ptr, context: Ptr) => this.defer(epoch, callback, context),
    epoch_drain_callbacks: (epoch: Ptr) => this.drain(epoch),
    in_epoch: (epoch: Ptr) => Number(this.isIn(epoch)),
    in_epoch_verbose: (epoch: Ptr) => Number(this.isIn(epoch)),
  };

  readonly data = {
    global_epoch: (at: Ptr) => this.k.space.storePtr(at, this.alloc('Global', 0)),
    global_epoch_preempt: (at: Ptr) => this.k.space.storePtr(at, this.preempt('Global preemptible')),
    net_epoch_preempt: (at: Ptr) => this.k.space.storePtr(at, this.preempt('Net preemptible')),
  };

  private preempt(name: string): Ptr {
    return this.alloc(name, this.k.macro('EPOCH_PREEMPT'));
  }

  /** net_epoch_preempt. */
  get net(): Ptr {
    return this.k.space.loadPtr(this.k.variable('net_epoch_preempt'));
  }

  private alloc(name: string, flags: number): Ptr {
    const at = this.k.slab.allocateBytes(EPOCH_BYTES, true);
    this.epochs.set(at, { at, name, flags, sections: new Set(), deferred: [] });
    this.k.origins.note(at);
    return at;
  }

  private at(at: Ptr): Epoch {
    const epoch = this.epochs.get(at);
    if (epoch) return epoch;
    throw new Panic(`0x${this.k.space.toAddress(at).toString(16)} is no epoch`, 'lock-misuse', at);
  }

  private *free(at: Ptr): Sleepable<void> {
    yield* this.drain(at);
    this.epochs.delete(at);
    this.k.origins.forget(at);
    this.k.slab.free(at);
  }

  /** THREAD_NO_SLEEPING() until it is left. */
  enter(at: Ptr, tracker: Ptr): void {
    const { k } = this;
    const epoch = this.at(at);
    this.demandPreemptible(epoch);
    const thread = k.struct('thread');
    if (tracker !== 0) k.struct('epoch_tracker').set(tracker, 'et_td', k.curthread);
    thread.set(k.curthread, 'td_no_sleeping', thread.get(k.curthread, 'td_no_sleeping') + 1);
    epoch.sections.add({ task: k.executor.current, tracker });
  }

  exit(at: Ptr, tracker: Ptr): void {
    const { k } = this;
    const epoch = this.at(at);
    const section = this.sectionOf(epoch, tracker);
    if (!section) {
      k.get(Locks).complain(
        'lock-misuse',
        `epoch_exit_preempt of ${epoch.name}, which the thread has not entered`,
      );
      return;
    }
    const thread = k.struct('thread');
    thread.set(k.curthread, 'td_no_sleeping', thread.get(k.curthread, 'td_no_sleeping') - 1);
    this.leave(epoch, section);
  }

  private demandPreemptible({ name, flags }: Epoch): void {
    if (flags & this.k.macro('EPOCH_PREEMPT')) return;
    throw new Panic(`epoch_enter_preempt: epoch ${name} is not preemptible`, 'lock-misuse');
  }

  /** The innermost section of the running thread with that tracker. */
  private sectionOf({ sections }: Epoch, tracker: Ptr): Section | undefined {
    const { current } = this.k.executor;
    return [...sections].reverse().find((one) => one.task === current && one.tracker === tracker);
  }

  private enterCritical(at: Ptr): void {
    this.k.processes.critnest++;
    this.at(at).sections.add({ task: this.k.executor.current, tracker: 0 });
  }

  private exitCritical(at: Ptr): void {
    const epoch = this.at(at);
    const section = this.sectionOf(epoch, 0);
    if (!section) {
      this.k
        .get(Locks)
        .complain('lock-misuse', `epoch_exit of ${epoch.name}, which the thread has not entered`);
      return;
    }
    this.k.processes.critnest--;
    this.leave(epoch, section);
  }

  private leave(epoch: Epoch, section: Section): void {
    epoch.sections.delete(section);
    for (const { waitsFor } of epoch.deferred) waitsFor.delete(section);
    this.k.get(SleepQueues).wakeAll(epoch.at);
    if (epoch.deferred.length > 0) this.wakeWorker();
  }

  /** Whether the running thread is in a section. */
  isIn(at: Ptr): boolean {
    const { current } = this.k.executor;
    return [...this.at(at).sections].some(({ task }) => task === current);
  }

  /** Runs a body in a section of the network's epoch. */
  *within<T>(body: Sleepable<T>): Sleepable<T> {
    this.enter(this.net, 0);
    const result = yield* body;
    this.exit(this.net, 0);
    return result;
  }

  /** Until all have left who are in a section now. */
  private *wait(at: Ptr): Sleepable<void> {
    const epoch = this.at(at);
    if (this.isIn(at))
      throw new Panic(
        `epoch_wait() called in the middle of an epoch section of the same epoch: ${epoch.name}`,
        'deadlock',
      );
    this.k.get(Locks).mightSleep('epoch_wait()');
    const before = [...epoch.sections];
    while (before.some((section) => epoch.sections.has(section)))
      yield* this.k.get(SleepQueues).sleep(at, { message: 'epoch' });
  }

  private defer(at: Ptr, callback: Ptr, context: Ptr): void {
    if (callback === 0) throw new Panic('epoch_call: callback is NULL');
    const run = (): Sleepable<number> => this.k.callAs('v:p', callback, context);
    this.push(at, { run, guest: { callback, context, by: this.k.origins.here() } });
  }

  /** As epoch_call(), of a function of the base kernel's. */
  deferOwn(at: Ptr, run: () => unknown): void {
    this.push(at, { run });
  }

  private push(at: Ptr, what: Omit<Deferred, 'waitsFor'>): void {
    const epoch = this.at(at);
    epoch.deferred.push({ ...what, waitsFor: new Set(epoch.sections) });
    this.wakeWorker();
  }

  private wakeWorker(): void {
    const { k } = this;
    if (this.worker && !this.worker.ended) {
      k.scheduler.wake(this.worker);
      return;
    }
    this.worker = k.processes.spawn({ name: 'softirq_0', process: k.processes.kernel }, this.work());
  }

  /** epoch_call_task(): the callbacks whose time has come. */
  private *work(): Sleepable<void> {
    for (;;) {
      const ready = this.takeReady();
      if (!ready) yield* block();
      else {
        yield* this.k.wait(ready.one.run());
        ready.done();
      }
    }
  }

  private running = new Map<Epoch, number>();

  private takeReady(): { readonly one: Deferred; readonly done: () => void } | undefined {
    for (const epoch of this.epochs.values()) {
      const index = epoch.deferred.findIndex(({ waitsFor }) => waitsFor.size === 0);
      if (index < 0) continue;
      const [one] = epoch.deferred.splice(index, 1);
      this.running.set(epoch, (this.running.get(epoch) ?? 0) + 1);
      const done = (): void => {
        this.running.set(epoch, (this.running.get(epoch) ?? 1) - 1);
        this.k.get(SleepQueues).wakeAll(epoch.at + CHANNEL);
      };
      return { one, done };
    }
    return undefined;
  }

  /** Until no callback is left that was asked for before. */
  private *drain(at: Ptr): Sleepable<void> {
    const epoch = this.at(at);
    this.k.get(Locks).mightSleep('epoch_drain_callbacks()');
    yield* this.wait(at);
    while (epoch.deferred.length > 0 || (this.running.get(epoch) ?? 0) > 0)
      yield* this.k.get(SleepQueues).sleep(at + CHANNEL, { message: 'epoch_drain' });
  }

  boot(): void {
    this.k.processes.onExit((task) => {
      for (const epoch of this.epochs.values())
        for (const section of epoch.sections) if (section.task === task) this.leave(epoch, section);
    });
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const { at, name, deferred } of this.epochs.values()) {
      yield { kind: 'epoch', at, by: k.origins.of(at), name: () => name };
      for (const { guest } of deferred)
        if (guest)
          yield {
            kind: 'epoch callback',
            at: guest.context,
            uses: [guest.callback],
            by: guest.by,
            name: () => '',
          };
    }
  }
}
