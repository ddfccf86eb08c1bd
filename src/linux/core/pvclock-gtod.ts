import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ULONG_MAX } from '../abi/limits.js';
import type { LinuxKernel } from '../kernel.js';
import { Notifiers } from '../locking/notifier.js';
import type { Subsystem } from '../subsystem.js';
import { NSEC_PER_SEC } from '../time/timekeeping.js';

const SHIFT = 24;

/**
 * Hypervisors are shown the timekeeper, so that their guests can read the host's time (kernel/time/timekeeping.c:
 * pvclock_gtod). A block is called once when it registers. The calls that Linux makes at every tick are not made:
 * there are no guests to tell.
 */
export class PvClockGtod implements Subsystem {
  private timekeeper: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    pvclock_gtod_register_notifier: (block: Ptr) => this.register(block),
    pvclock_gtod_unregister_notifier: (block: Ptr) =>
      this.k.get(Notifiers).unregister(this.chain, block, 'raw_notifier_head'),
  };

  private *register(block: Ptr): Sleepable<number> {
    const notifiers = this.k.get(Notifiers);
    const result = notifiers.register(this.chain, block, false, 'raw_notifier_head');
    const clockWasSet = 1;
    yield* notifiers.callChain(this.chain, clockWasSet, this.update(), 'raw_notifier_head');
    return result;
  }

  private get chain(): Ptr {
    return this.k.variable('pvclock_gtod_chain', this.k.sizeOf('raw_notifier_head'));
  }

  /** struct timekeeper as of now, with the time-stamp counter as the clock. */
  private update(): Ptr {
    const { k } = this;
    const type = k.struct('timekeeper');
    if (this.timekeeper === 0) {
      this.timekeeper = k.permanent(type.size);
      const clock = this.makeClock();
      for (const reader of ['tkr_mono', 'tkr_raw']) {
        type.set(this.timekeeper, `${reader}.clock`, clock);
        type.setBig(this.timekeeper, `${reader}.mask`, ULONG_MAX);
        type.set(this.timekeeper, `${reader}.mult`, this.multiplier());
        type.set(this.timekeeper, `${reader}.shift`, SHIFT);
      }
    }
    const at = this.timekeeper;
    const now = BigInt(Math.floor(k.now()));
    const real = now + k.clock.bootTime;
    for (const reader of ['tkr_mono', 'tkr_raw']) {
      type.setBig(at, `${reader}.cycle_last`, k.platform.rdtsc());
      type.setBig(at, `${reader}.base`, now);
    }
    type.setBig(at, 'tkr_mono.xtime_nsec', (real % NSEC_PER_SEC) << BigInt(SHIFT));
    type.setBig(at, 'xtime_sec', real / NSEC_PER_SEC);
    type.setBig(at, 'raw_sec', now / NSEC_PER_SEC);
    type.setBig(at, 'offs_real', k.clock.bootTime);
    type.setBig(at, 'offs_tai', k.clock.bootTime);
    return at;
  }

  /** Nanoseconds a cycle, times 2^SHIFT. */
  private multiplier(): number {
    return Math.round((1e6 * 2 ** SHIFT) / this.k.space.load32(this.k.symbol('tsc_khz')));
  }

  private makeClock(): Ptr {
    const { k } = this;
    const type = k.struct('clocksource');
    const clock = k.permanent(type.size);
    type.setBig(clock, 'mask', ULONG_MAX);
    type.set(clock, 'mult', this.multiplier());
    type.set(clock, 'shift', SHIFT);
    type.set(clock, 'name', k.constantString('tsc'));
    type.set(clock, 'vdso_clock_mode', k.enumValue('VDSO_CLOCKMODE_TSC'));
    return clock;
  }
}
