import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kthreads } from '../../sched/kthread.js';
import type { Subsystem } from '../../subsystem.js';
import { Delays } from '../../time/delay.js';
import { hz } from '../../time/jiffies.js';

/** Seconds between two reseedings, once a kernel is up, and at its start (CRNG_RESEED_INTERVAL of drivers/char/random.c). */
const RESEED_INTERVAL = 60;
const RESEED_START_INTERVAL = 1;

/** What generators of random numbers hand over (drivers/char/random.c, add_hwgenerator_randomness()). */
export class HardwareRandom implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    add_hwgenerator_randomness: (_buf: Ptr, _length: number, _entropy: number, sleepAfter = true) =>
      this.waitForReseed(sleepAfter),
  };

  /** What a hardware generator gives is not taken, since the machine's is seeded; its thread is told to come back when the kernel's would reseed. */
  private *waitForReseed(sleepAfter: boolean): Sleepable<void> {
    const { k } = this;
    if (!sleepAfter || k.get(Kthreads).exports.kthread_should_stop()) return;
    const uptime = Math.floor(k.clock.now / 1e9);
    const atStart = Math.max(RESEED_START_INTERVAL, Math.floor(uptime / 2));
    const seconds = uptime >= 2 * RESEED_INTERVAL ? RESEED_INTERVAL : atStart;
    yield* k.wait(k.get(Delays).exports.schedule_timeout_interruptible(seconds * hz(k)));
  }
}
