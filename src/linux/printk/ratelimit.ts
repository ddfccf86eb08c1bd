import type { Ptr } from '../../cpu/layout.js';
import type { StructType } from '../../kernel/abi/struct.js';
import { LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const MSG_ON_RELEASE = 1;
/** Of printk_ratelimit(): ten messages in five seconds. */
const DEFAULT_INTERVAL_SECONDS = 5;
const DEFAULT_BURST = 10;

/** Limits on how often something is logged (include/linux/ratelimit.h). */
export class Ratelimit implements Subsystem {
  private readonly type: StructType;
  private readonly hz: number;
  private shared: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {
    this.type = k.struct('ratelimit_state');
    this.hz = Number(k.target.config.get('CONFIG_HZ') ?? 250);
  }

  readonly exports = {
    ___ratelimit: (state: Ptr, func: Ptr) => (this.allow(state, this.k.space.cstring(func)) ? 1 : 0),
    __printk_ratelimit: (func: Ptr) => (this.allow(this.sharedState(), this.k.space.cstring(func)) ? 1 : 0),
    printk_timed_ratelimit: (last: Ptr, interval: number) => {
      const { space } = this.k;
      const now = this.jiffies();
      const before = space.load64(last);
      const wait = BigInt(Math.ceil((interval * this.hz) / 1000));
      if (before !== 0n && BigInt.asUintN(64, now - before) <= wait) return false;
      space.store64(last, now);
      return true;
    },
  };

  /** True if the caller may go on: fewer than `burst` calls in the running interval. */
  allow(state: Ptr, name: string): boolean {
    const { type, k } = this;
    const interval = type.get(state, 'interval');
    if (interval === 0) return true;
    const now = this.jiffies();
    let begin = type.getBig(state, 'begin');
    if (begin === 0n) begin = now;
    if (BigInt.asIntN(64, begin + BigInt(interval) - now) < 0n) {
      const missed = type.get(state, 'missed');
      if (missed > 0 && !(type.get(state, 'flags') & MSG_ON_RELEASE)) {
        k.log.line(`${name}: ${missed} callbacks suppressed`, LOGLEVEL_WARNING);
        type.set(state, 'missed', 0);
      }
      begin = now;
      type.set(state, 'printed', 0);
    }
    type.setBig(state, 'begin', begin);
    const printed = type.get(state, 'printed');
    const burst = type.get(state, 'burst');
    const allowed = burst !== 0 && burst > printed;
    if (allowed) type.set(state, 'printed', printed + 1);
    else type.set(state, 'missed', type.get(state, 'missed') + 1);
    return allowed;
  }

  private sharedState(): Ptr {
    if (this.shared === 0) {
      this.shared = this.k.permanent(this.type.size);
      this.type.set(this.shared, 'interval', DEFAULT_INTERVAL_SECONDS * this.hz);
      this.type.set(this.shared, 'burst', DEFAULT_BURST);
    }
    return this.shared;
  }

  private jiffies(): bigint {
    return this.k.space.load64(this.k.symbol('jiffies'));
  }
}
