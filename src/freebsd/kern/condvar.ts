import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { SleepQueues } from './sleepqueue.js';
import { Synch } from './synch.js';

/** condvar(9) (sys/kern/kern_condvar.c) and sema(9) (kern_sema.c). */
export class CondVars implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    cv_init: (cv: Ptr, name: Ptr) => {
      this.k.struct('cv').set(cv, 'cv_description', name);
      this.k.struct('cv').set(cv, 'cv_waiters', 0);
    },
    cv_destroy: () => {},
    _cv_wait: (cv: Ptr, lock: Ptr) => this.waitQuietly(cv, lock, 0),
    _cv_wait_unlock: (cv: Ptr, lock: Ptr) => this.waitQuietly(cv, lock, this.k.macro('PDROP')),
    _cv_wait_sig: (cv: Ptr, lock: Ptr) => this.wait(cv, lock, this.k.macro('PCATCH'), 0n, 0),
    _cv_timedwait_sbt: (cv: Ptr, lock: Ptr, sbt: bigint, _pr: bigint, flags: number) =>
      this.wait(cv, lock, 0, sbt, flags),
    _cv_timedwait_sig_sbt: (cv: Ptr, lock: Ptr, sbt: bigint, _pr: bigint, flags: number) =>
      this.wait(cv, lock, this.k.macro('PCATCH'), sbt, flags),
    cv_signal: (cv: Ptr) => void this.k.get(SleepQueues).wakeOne(cv),
    cv_broadcastpri: (cv: Ptr) => void this.k.get(SleepQueues).wakeAll(cv),
    sema_init: (sema: Ptr, value: number, description: Ptr) => this.semaInit(sema, value, description),
    sema_destroy: () => {},
    sema_value: (sema: Ptr) => this.k.struct('sema').get(sema, 'sema_value'),
    _sema_post: (sema: Ptr) => this.post(sema),
    _sema_wait: (sema: Ptr) => this.semaWait(sema),
    _sema_timedwait: (sema: Ptr, ticks: number) => this.semaTimed(sema, ticks),
    _sema_trywait: (sema: Ptr) => Number(this.tryWait(sema)),
  };

  readonly signatures = { _cv_timedwait_sbt: 'i:ppqqi', _cv_timedwait_sig_sbt: 'i:ppqqi' };

  private wait(cv: Ptr, lock: Ptr, priority: number, sbt: bigint, flags: number): Sleepable<number> {
    const name = this.k.struct('cv').get(cv, 'cv_description');
    return this.k.get(Synch).sleep(cv, lock, priority, name, sbt, flags);
  }

  private *waitQuietly(cv: Ptr, lock: Ptr, priority: number): Sleepable<void> {
    yield* this.wait(cv, lock, priority, 0n, 0);
  }

  private semaInit(sema: Ptr, value: number, description: Ptr): void {
    const type = this.k.struct('sema');
    type.set(sema, 'sema_value', value);
    type.set(sema, 'sema_waiters', 0);
    type.set(sema, 'sema_cv.cv_description', description);
  }

  private post(sema: Ptr): void {
    const type = this.k.struct('sema');
    type.set(sema, 'sema_value', type.get(sema, 'sema_value') + 1);
    this.k.get(SleepQueues).wakeOne(sema);
  }

  private tryWait(sema: Ptr): boolean {
    const type = this.k.struct('sema');
    const value = type.get(sema, 'sema_value');
    if (value <= 0) return false;
    type.set(sema, 'sema_value', value - 1);
    return true;
  }

  private *semaWait(sema: Ptr): Sleepable<void> {
    const name = this.k.struct('sema').get(sema, 'sema_cv.cv_description');
    while (!this.tryWait(sema)) yield* this.k.get(Synch).sleep(sema, 0, 0, name, 0n, 0);
  }

  private *semaTimed(sema: Ptr, ticks: number): Sleepable<number> {
    const { k } = this;
    const name = k.struct('sema').get(sema, 'sema_cv.cv_description');
    const sbt = BigInt(ticks) * k.space.load64(k.variable('tick_sbt'));
    while (!this.tryWait(sema)) {
      const error = yield* k.get(Synch).sleep(sema, 0, 0, name, sbt, 0);
      if (error !== 0) return error;
    }
    return 0;
  }
}
