import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { HZ } from '../kern/hz.js';
import { Locks } from '../kern/locks.js';
import { Panic } from '../kern/panic.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import { SxLocks } from '../kern/sx.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The lock of GEOM's topology: who has it may change which classes, geoms, providers and consumers there are (sys/geom/geom_kern.c). */
export class GeomTopology implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  readonly data = {
    topology_lock: (at: Ptr) => this.k.get(SxLocks).init(at, this.k.constantString('GEOM topology'), 0),
    g_debugflags: () => {},
  };

  private get sx(): Ptr {
    return this.k.variable('topology_lock');
  }

  /** g_topology_lock(). */
  *lock(): Sleepable<void> {
    yield* this.k.get(SxLocks).xlock(this.sx);
  }

  unlock(): void {
    this.k.get(SxLocks).locks.releaseExclusive(this.sx);
  }

  *within<T>(body: Sleepable<T>): Sleepable<T> {
    yield* this.lock();
    try {
      return yield* body;
    } finally {
      if (this.isMine) this.unlock();
    }
  }

  get isMine(): boolean {
    return this.k.get(SxLocks).locks.isMine(this.sx);
  }

  /** g_topology_assert(): what a kernel with INVARIANTS stops at is reported, and the thread goes on. */
  assert(by: string): void {
    if (this.isMine) return;
    this.k.get(Locks).complain('lock-misuse', `Lock GEOM topology not exclusively locked in ${by}()`);
  }

  /** An assertion of GEOM's (KASSERT). */
  demand(holds: boolean, message: () => string): void {
    if (!holds) throw new Panic(message());
  }

  /** g_topology_sleep(): gives the lock up meanwhile. */
  *sleep(channel: Ptr, ticks: number): Sleepable<void> {
    const { k } = this;
    const until = ticks > 0 ? k.clock.now + ticks * (1e9 / HZ) : undefined;
    yield* k.get(SleepQueues).sleep(channel, { message: 'gtopol', until, release: () => this.unlock() });
    yield* this.lock();
  }

  /** Whether g_debugflags has a flag (G_F_FOOTSHOOTING and its like). */
  debugs(flag: string): boolean {
    return (this.k.space.load32(this.k.variable('g_debugflags')) & this.k.macro(flag)) !== 0;
  }
}
