import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINTR, ERESTART, EWOULDBLOCK } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { AnyLock } from './any-lock.js';
import { Locks } from './locks.js';
import { Panic } from './panic.js';
import { sbtDeadline } from './sbintime.js';
import { SleepQueues } from './sleepqueue.js';

/** sleep(9) and wakeup(9) (sys/kern/kern_synch.c). */
export class Synch implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    _sleep: (
      channel: Ptr,
      lock: Ptr,
      priority: number,
      message: Ptr,
      sbt: bigint,
      _pr: bigint,
      flags: number,
    ) => this.sleep(channel, lock, priority, message, sbt, flags),
    msleep_spin_sbt: (channel: Ptr, mtx: Ptr, message: Ptr, sbt: bigint, _pr: bigint, flags: number) =>
      this.sleep(channel, mtx, 0, message, sbt, flags),
    pause_sbt: (message: Ptr, sbt: bigint, _pr: bigint, flags: number) => this.pause(message, sbt, flags),
    wakeup: (channel: Ptr) => void this.k.get(SleepQueues).wakeAll(channel),
    wakeup_one: (channel: Ptr) => void this.k.get(SleepQueues).wakeOne(channel),
    wakeup_any: (channel: Ptr) => void this.k.get(SleepQueues).wakeOne(channel),
    kern_yield: () => this.yield(),
    maybe_yield: () => this.yield(),
    should_yield: () => 0,
    mi_switch: () => this.yield(),
  };

  readonly signatures = {
    _sleep: 'i:ppipqqi',
    msleep_spin_sbt: 'i:pppqqi',
    pause_sbt: 'i:pqqi',
  };

  /** 0, or EWOULDBLOCK when the time was over, EINTR or ERESTART after a signal. The lock is given up meanwhile. */
  *sleep(
    channel: Ptr,
    lock: Ptr,
    priority: number,
    message: Ptr,
    sbt: bigint,
    flags: number,
  ): Sleepable<number> {
    const { k } = this;
    const text = message === 0 ? '' : k.space.cstring(message, 64);
    const held = lock === 0 ? 0 : lock;
    k.get(Locks).mightSleep(`Sleeping on "${text}"`, held);
    if (channel === 0) throw new Panic('_sleep: wait channel is NULL');
    const locks = k.get(AnyLock);
    const dropped = held === 0 || (priority & k.macro('PDROP')) !== 0;
    let state = 0;
    const waking = yield* k.get(SleepQueues).sleep(channel, {
      message: text,
      until: sbtDeadline(k, sbt, flags),
      interruptible: (priority & k.macro('PCATCH')) !== 0,
      release: () => {
        if (held !== 0) state = locks.release(held);
      },
    });
    if (!dropped) yield* locks.take(held, state);
    if (waking === 'wakeup') return 0;
    return waking === 'timeout' ? EWOULDBLOCK : this.signalError();
  }

  /** What a signal makes of a system call: SA_RESTART or not. */
  private signalError(): number {
    return this.restarts ? ERESTART : EINTR;
  }

  restarts = false;

  private *pause(message: Ptr, sbt: bigint, flags: number): Sleepable<number> {
    const { k } = this;
    k.get(Locks).mightSleep(`pause("${k.space.cstring(message, 64)}")`);
    const until = sbtDeadline(k, sbt <= 0n ? 1n : sbt, flags);
    yield* k.get(SleepQueues).sleep(PAUSE_CHANNEL, { message: k.space.cstring(message, 64), until });
    return EWOULDBLOCK;
  }

  private *yield(): Sleepable<void> {
    this.k.get(Locks).mightSleep('kern_yield()');
    yield { kind: 'yield' };
  }
}

/** pause_wchan: an address that nobody wakes. */
const PAUSE_CHANNEL = 8;
