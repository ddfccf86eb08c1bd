import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENXIO } from '../errno.js';
import { HZ } from '../kern/hz.js';
import { Mutexes } from '../kern/mutex.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import { Synch } from '../kern/synch.js';
import type { FreebsdKernel } from '../kernel.js';
import { LineDiscipline } from './line-discipline.js';
import { initTermios, modesOf } from './termios.js';

/** What waits for something of a terminal: members of struct tty. */
type Queue = 't_inwait' | 't_outwait' | 't_dcdwait';

/** What a terminal can be (t_flags). */
type TtyFlag = 'TF_OPENED_IN' | 'TF_OPENCLOSE' | 'TF_ZOMBIE' | 'TF_GONE';

/** A struct tty: its lock, its driver and its line discipline. Its state is in t_flags, where drivers look as well. */
export class Terminal {
  readonly discipline: LineDiscipline;
  /** Its device, 0 until it has one, and the name of that without "tty". */
  device: Ptr = 0;
  name = '';

  constructor(
    private readonly k: FreebsdKernel,
    readonly at: Ptr,
  ) {
    this.discipline = new LineDiscipline(
      (name) => k.macro(name),
      () => modesOf(k, this.termios),
    );
  }

  private get type() {
    return this.k.struct('tty');
  }

  get mtx(): Ptr {
    return this.type.get(this.at, 't_mtx');
  }

  get termios(): Ptr {
    return this.type.addr(this.at, 't_termios');
  }

  get devsw(): Ptr {
    return this.type.get(this.at, 't_devsw');
  }

  get softc(): Ptr {
    return this.type.get(this.at, 't_devswsoftc');
  }

  is(flag: TtyFlag): boolean {
    return (this.type.get(this.at, 't_flags') & this.k.macro(flag)) !== 0;
  }

  mark(flag: TtyFlag, on: boolean): void {
    const flags = this.type.get(this.at, 't_flags');
    const bit = this.k.macro(flag);
    this.type.set(this.at, 't_flags', on ? flags | bit : flags & ~bit);
  }

  /** tty_opened() */
  get opened(): boolean {
    return this.is('TF_OPENED_IN');
  }

  /** Nothing can come or go any more: the device or the carrier is gone, or nobody has it open. */
  get dead(): boolean {
    return this.is('TF_GONE') || this.is('TF_ZOMBIE') || !(this.opened || this.is('TF_OPENCLOSE'));
  }

  /** CLOCAL: there is no carrier to wait for. */
  get isLocal(): boolean {
    return this.hasMode('CLOCAL');
  }

  hasMode(flag: string): boolean {
    return (this.k.struct('termios').get(this.termios, 'c_cflag') & this.k.macro(flag)) !== 0;
  }

  /** The modes with which it is opened first: t_termios_init_in. */
  resetModes(): void {
    initTermios(this.k, this.termios);
  }

  /** Runs something with its lock, which may be given up meanwhile. */
  *locked<T>(body: () => Sleepable<T>): Sleepable<T> {
    const mutexes = this.k.get(Mutexes);
    const { mtx } = this;
    yield* mutexes.lock(mtx);
    try {
      return yield* body();
    } finally {
      if (mutexes.isMine(mtx)) mutexes.unlock(mtx);
    }
  }

  /** Gives its lock up, if the thread has it. */
  unlock(): void {
    const mutexes = this.k.get(Mutexes);
    if (mutexes.isMine(this.mtx)) mutexes.unlock(this.mtx);
  }

  /** A function of the driver's (struct ttydevsw); `otherwise` where it has none. */
  *driver(member: string, otherwise: number, ...args: number[]): Sleepable<number> {
    const type = this.k.struct('ttydevsw');
    if (type.get(this.devsw, member) === 0) return otherwise;
    return yield* type.call(this.devsw, member, this.at, ...args);
  }

  /** tty_wait(), tty_timedwait(): ENXIO where it has gone meanwhile, EWOULDBLOCK after `ticks`. */
  *wait(queue: Queue, ticks = 0): Sleepable<number> {
    const { k } = this;
    const channel = this.type.addr(this.at, queue);
    const sbt = (BigInt(ticks) << 32n) / BigInt(HZ);
    const error = yield* k
      .get(Synch)
      .sleep(channel, this.mtx, k.macro('PCATCH'), k.constantString(WAIT_NAMES[queue]), sbt, 0);
    return this.is('TF_GONE') ? ENXIO : error;
  }

  wake(queue: Queue): void {
    this.k.get(SleepQueues).wakeAll(this.type.addr(this.at, queue));
  }

  wakeAll(): void {
    for (const queue of ['t_inwait', 't_outwait', 't_dcdwait'] as const) this.wake(queue);
  }
}

const WAIT_NAMES: Readonly<Record<Queue, string>> = {
  t_inwait: 'ttyin',
  t_outwait: 'ttyout',
  t_dcdwait: 'ttydcd',
};
