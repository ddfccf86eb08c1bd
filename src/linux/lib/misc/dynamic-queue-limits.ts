import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** DQL_MAX_OBJECT and DQL_MAX_LIMIT (include/linux/dynamic_queue_limits.h). */
const MAX_OBJECT = Math.floor(0xffff_ffff / 16);
const MAX_LIMIT = Math.floor(0xffff_ffff / 2) - MAX_OBJECT;
const NO_SLACK_SEEN = 0xffff_ffff;
const COUNTS = [
  'limit',
  'num_queued',
  'num_completed',
  'last_obj_cnt',
  'prev_num_queued',
  'prev_last_obj_cnt',
  'prev_ovlimit',
];

/** a - b where that is positive, in arithmetic that wraps at 2^32. */
const excess = (a: number, b: number): number => Math.max((a - b) | 0, 0);

/** How much a transmit queue may hold, learned from when it runs dry (include/linux/dynamic_queue_limits.h). */
export class DynamicQueueLimits implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dql_init: (dql: Ptr, holdTime: number) => {
      this.type.set(dql, 'max_limit', MAX_LIMIT);
      this.type.set(dql, 'min_limit', 0);
      this.type.set(dql, 'slack_hold_time', holdTime);
      this.reset(dql);
    },
    dql_reset: (dql: Ptr) => this.reset(dql),
    dql_completed: (dql: Ptr, count: number) => this.completed(dql, count),
  };

  private get type(): StructType {
    return this.k.struct('dql');
  }

  private get now(): bigint {
    return this.k.space.load64(this.k.symbol('jiffies'));
  }

  private reset(dql: Ptr): void {
    for (const member of COUNTS) this.type.set(dql, member, 0);
    this.restartSlack(dql);
  }

  private restartSlack(dql: Ptr): void {
    this.type.set(dql, 'lowest_slack', NO_SLACK_SEEN);
    this.type.setBig(dql, 'slack_start_time', this.now);
  }

  private completed(dql: Ptr, count: number): void {
    const { type } = this;
    const [queued, before, previous, oldOver, oldLimit] = [
      'num_queued',
      'num_completed',
      'prev_num_queued',
      'prev_ovlimit',
      'limit',
    ].map((member) => type.get(dql, member));
    if (count > (queued - before) >>> 0)
      throw new Oops('bug', 'kernel BUG at lib/dynamic_queue_limits.c!', this.k.caller);
    const done = (before + count) >>> 0;
    const over = excess(queued - before, oldLimit);
    const isDry = done === queued;
    const previousDone = ((done - previous) | 0) >= 0;
    let limit = oldLimit;
    if ((over > 0 && isDry) || (oldOver > 0 && previousDone)) {
      limit += excess(done, previous) + oldOver;
      this.restartSlack(dql);
    } else if (!isDry && previous !== before && !previousDone) limit = this.withoutSlack(dql, limit, count);
    limit = Math.min(Math.max(limit, type.get(dql, 'min_limit')), type.get(dql, 'max_limit'));
    type.set(dql, 'limit', limit);
    type.set(dql, 'adj_limit', (limit + done) >>> 0);
    type.set(dql, 'prev_ovlimit', limit === oldLimit ? over : 0);
    type.set(dql, 'prev_last_obj_cnt', type.get(dql, 'last_obj_cnt'));
    type.set(dql, 'num_completed', done);
    type.set(dql, 'prev_num_queued', queued);
  }

  /** The limit less what was in the queue for nothing all through the hold time. */
  private withoutSlack(dql: Ptr, limit: number, count: number): number {
    const { type } = this;
    const over = type.get(dql, 'prev_ovlimit');
    const ofObjects = over > 0 ? excess(type.get(dql, 'prev_last_obj_cnt'), over) : 0;
    const slack = Math.max(excess(limit + over, 2 * count), ofObjects);
    const lowest = Math.min(slack, type.get(dql, 'lowest_slack'));
    type.set(dql, 'lowest_slack', lowest);
    const end = type.getBig(dql, 'slack_start_time') + BigInt(type.get(dql, 'slack_hold_time'));
    if (BigInt.asIntN(64, end - this.now) >= 0n) return limit;
    this.restartSlack(dql);
    return excess(limit, lowest);
  }
}
