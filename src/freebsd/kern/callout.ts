import type { Ptr } from '../../cpu/layout.js';
import type { Alarm } from '../../kernel/clock.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { AnyLock } from './any-lock.js';
import { Threads } from './kthread.js';
import { Locks } from './locks.js';
import { nsToSbt, sbtDeadline } from './sbintime.js';
import { SleepQueues } from './sleepqueue.js';

interface Pending {
  readonly alarm: Alarm;
  readonly by: Ptr;
}

/** callout(9) (sys/kern/kern_timeout.c): a callout's function runs in the clock's software interrupt thread, with its lock if it has one. */
export class Callouts implements Subsystem {
  private readonly pending = new Map<Ptr, Pending>();
  /** Callouts that are due and have not run yet. */
  private readonly due: Ptr[] = [];
  private running: { readonly callout: Ptr; cancelled: boolean } | undefined;
  private thread: Task | undefined;
  private idle = false;
  private drains: ((callout: Ptr) => Sleepable<void>)[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    callout_init: (callout: Ptr, mpsafe: number) =>
      this.init(
        callout,
        mpsafe ? 0 : this.k.variable('Giant'),
        mpsafe ? this.k.macro('CALLOUT_RETURNUNLOCKED') : 0,
      ),
    _callout_init_lock: (callout: Ptr, lock: Ptr, flags: number) => this.init(callout, lock, flags),
    callout_reset_sbt_on: (
      callout: Ptr,
      sbt: bigint,
      _precision: bigint,
      fn: Ptr,
      arg: Ptr,
      _cpu: number,
      flags: number,
    ) => this.reset(callout, sbt, fn, arg, flags),
    callout_schedule: (callout: Ptr, ticks: number) => this.schedule(callout, ticks),
    callout_schedule_on: (callout: Ptr, ticks: number) => this.schedule(callout, ticks),
    _callout_stop_safe: (callout: Ptr, flags: number, drain: Ptr) => this.stop(callout, flags, drain),
    callout_when: (sbt: bigint, _precision: bigint, flags: number, result: Ptr) => {
      const at = sbtDeadline(this.k, sbt, flags) ?? this.k.now();
      this.k.space.store64(result, nsToSbt(at));
    },
  };

  readonly signatures = {
    callout_reset_sbt_on: 'i:pqqppii',
    callout_when: 'v:qqip',
  };

  boot(): void {
    this.thread = this.k.get(Threads).start('clock (0)', this.k.get(Threads).intr, this.serve());
  }

  private init(callout: Ptr, lock: Ptr, flags: number): void {
    const type = this.k.struct('callout');
    this.k.space.writable(callout, type.size).fill(0);
    type.set(callout, 'c_lock', lock);
    type.set(callout, 'c_iflags', flags & this.k.macro('CALLOUT_RETURNUNLOCKED'));
  }

  /** 1 where the callout was pending before and is put off. */
  private reset(callout: Ptr, sbt: bigint, fn: Ptr, arg: Ptr, flags: number): number {
    const { k } = this;
    const type = k.struct('callout');
    const cancelled = this.unschedule(callout) ? 1 : 0;
    const at = sbtDeadline(k, sbt <= 0n ? 1n : sbt, flags) ?? k.now();
    type.set(callout, 'c_func', fn);
    type.set(callout, 'c_arg', arg);
    type.setBig(callout, 'c_time', nsToSbt(at));
    this.flag(callout, 'c_flags', k.macro('CALLOUT_ACTIVE'), true);
    this.flag(callout, 'c_iflags', k.macro('CALLOUT_PENDING'), true);
    this.pending.set(callout, { alarm: k.clock.arm(at, () => this.fire(callout)), by: k.caller });
    k.origins.note(callout);
    return cancelled;
  }

  private schedule(callout: Ptr, ticks: number): number {
    const { k } = this;
    const type = k.struct('callout');
    const sbt = BigInt(ticks) * k.space.load64(k.variable('tick_sbt'));
    return this.reset(callout, sbt, type.get(callout, 'c_func'), type.get(callout, 'c_arg'), 0);
  }

  private flag(callout: Ptr, member: string, bit: number, on: boolean): void {
    const type = this.k.struct('callout');
    const flags = type.get(callout, member);
    type.set(callout, member, on ? flags | bit : flags & ~bit);
  }

  private unschedule(callout: Ptr): boolean {
    const one = this.pending.get(callout);
    const at = this.due.indexOf(callout);
    if (at >= 0) this.due.splice(at, 1);
    if (!one) return at >= 0;
    this.k.clock.cancel(one.alarm);
    this.pending.delete(callout);
    return true;
  }

  private fire(callout: Ptr): void {
    this.pending.delete(callout);
    this.due.push(callout);
    if (this.idle && this.thread) this.k.get(SleepQueues).wakeAll(this.thread.object);
  }

  /** The software interrupt thread. */
  private *serve(): Sleepable<number> {
    const { k } = this;
    for (;;) {
      const callout = this.due.shift();
      if (callout === undefined) {
        this.idle = true;
        yield* k.get(SleepQueues).sleep(this.thread?.object ?? 0, { message: '-' });
        this.idle = false;
        continue;
      }
      yield* this.runOne(callout);
    }
  }

  private *runOne(callout: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('callout');
    const [fn, arg, lock] = ['c_func', 'c_arg', 'c_lock'].map((member) => type.get(callout, member));
    const unlocked = (type.get(callout, 'c_iflags') & k.macro('CALLOUT_RETURNUNLOCKED')) !== 0;
    const running = { callout, cancelled: false };
    this.running = running;
    this.flag(callout, 'c_iflags', k.macro('CALLOUT_PENDING'), false);
    if (lock !== 0) yield* k.get(AnyLock).take(lock, 0);
    if (running.cancelled) {
      if (lock !== 0) k.get(AnyLock).release(lock);
    } else {
      const thread = k.struct('thread');
      thread.set(k.curthread, 'td_no_sleeping', 1);
      yield* k.callAs('v:p', fn, arg);
      thread.set(k.curthread, 'td_no_sleeping', 0);
      if (lock !== 0 && !unlocked) k.get(AnyLock).release(lock);
    }
    this.running = undefined;
    k.get(SleepQueues).wakeAll(callout);
    for (const drain of this.drains.splice(0)) yield* drain(callout);
  }

  /** 1: stopped before it ran; 0: it is running and could not be stopped; -1: it was not pending. */
  private *stop(callout: Ptr, flags: number, drain: Ptr): Sleepable<number> {
    const { k } = this;
    const draining = (flags & k.macro('CS_DRAIN')) !== 0;
    if (draining) k.get(Locks).mightSleep('callout_drain()', k.struct('callout').get(callout, 'c_lock'));
    const was = this.unschedule(callout);
    this.flag(callout, 'c_flags', k.macro('CALLOUT_ACTIVE'), false);
    this.flag(callout, 'c_iflags', k.macro('CALLOUT_PENDING'), false);
    const { running } = this;
    if (running?.callout !== callout || k.executor.current === this.thread) return was ? 1 : -1;
    const lock = k.struct('callout').get(callout, 'c_lock');
    // With its lock held the function has not begun: it is not going to.
    if (lock !== 0 && k.get(Locks).isMineAt(lock)) {
      running.cancelled = true;
      return 1;
    }
    if (draining)
      while (this.running?.callout === callout)
        yield* k.get(SleepQueues).sleep(callout, { message: 'codrain' });
    else if (drain !== 0) {
      const arg = k.struct('callout').get(callout, 'c_arg');
      this.drains.push(() => k.callAs('v:p', drain, arg) as Sleepable<never>);
    }
    return was ? 1 : 0;
  }

  *holds(): Generator<Holding> {
    const type = this.k.struct('callout');
    for (const callout of [...this.pending.keys(), ...this.due])
      if (this.k.space.canRead(callout, type.size))
        yield {
          kind: 'pending callout',
          at: callout,
          uses: [type.get(callout, 'c_func')],
          by: this.k.origins.of(callout),
          name: () => '',
        };
  }
}
