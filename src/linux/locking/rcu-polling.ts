import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import { SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';
import { Rcu } from './rcu.js';

/** RCU_GET_STATE_COMPLETED: a grace period that is over for everybody (kernel/rcu/rcu.h). */
const COMPLETED = 1;
/** What numbers of RCU go up by: they stay above COMPLETED. */
const STEP = 4;

/** Numbers of grace periods: each stands for the first that begins after it was given out. */
class GracePeriods {
  private ended: number;

  constructor(
    private readonly k: LinuxKernel,
    private started: number,
    private readonly step: number,
  ) {
    this.ended = started;
  }

  /** The number of the first that has not begun. */
  get next(): number {
    return this.started + this.step;
  }

  /** Begins one that ends when softirqs are served. */
  start(): number {
    const number = this.begin(this.next);
    const over = (): void => this.end(number);
    // biome-ignore lint/correctness/useYield: interrupt work is a generator also where it never waits
    this.k.get(SoftirqQueue).raise('rcu', function* () {
      over();
    });
    return number;
  }

  begin(number: number): number {
    this.started = Math.max(this.started, number);
    return number;
  }

  end(number: number): void {
    this.ended = Math.max(this.ended, number);
  }

  isOver(number: number): boolean {
    return number <= this.ended;
  }
}

/**
 * Grace periods that somebody asks about instead of waiting for them (kernel/rcu/tree.c, srcutree.c). `_full` has a number in a struct
 * rcu_gp_oldstate.
 */
export class RcuPolling implements Subsystem {
  private readonly periods: GracePeriods;
  private readonly sleepable: GracePeriods;

  constructor(private readonly k: LinuxKernel) {
    this.periods = new GracePeriods(k, STEP, STEP);
    this.sleepable = new GracePeriods(k, 0, 1);
  }

  readonly exports = {
    get_state_synchronize_rcu: () => this.periods.next,
    start_poll_synchronize_rcu: () => this.periods.start(),
    start_poll_synchronize_rcu_expedited: () => this.periods.start(),
    poll_state_synchronize_rcu: (number: number) => this.isOver(number),
    cond_synchronize_rcu: (number: number) => this.waitFor(number),
    cond_synchronize_rcu_expedited: (number: number) => this.waitFor(number),
    get_completed_synchronize_rcu_full: (at: Ptr) => this.store(at, COMPLETED),
    get_state_synchronize_rcu_full: (at: Ptr) => this.store(at, this.periods.next),
    start_poll_synchronize_rcu_full: (at: Ptr) => this.store(at, this.periods.start()),
    start_poll_synchronize_rcu_expedited_full: (at: Ptr) => this.store(at, this.periods.start()),
    poll_state_synchronize_rcu_full: (at: Ptr) => this.isOver(this.load(at)),
    cond_synchronize_rcu_full: (at: Ptr) => this.waitFor(this.load(at)),
    cond_synchronize_rcu_expedited_full: (at: Ptr) => this.waitFor(this.load(at)),
    start_poll_synchronize_srcu: () => this.sleepable.start(),
    get_state_synchronize_srcu: () => this.sleepable.next,
    poll_state_synchronize_srcu: (_srcu: Ptr, number: number) => this.sleepable.isOver(number),
  };

  private isOver(number: number): boolean {
    return number === COMPLETED || this.periods.isOver(number);
  }

  private *waitFor(number: number): Sleepable<void> {
    if (this.isOver(number)) return;
    this.periods.begin(number);
    yield* this.k.get(Rcu).synchronize();
    this.periods.end(number);
  }

  private store(at: Ptr, number: number): void {
    const type = this.k.struct('rcu_gp_oldstate');
    type.set(at, 'rgos_norm', number);
    type.set(at, 'rgos_exp', number);
  }

  private load(at: Ptr): number {
    return this.k.struct('rcu_gp_oldstate').get(at, 'rgos_norm');
  }
}
