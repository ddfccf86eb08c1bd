import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import { SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';
import { Rcu } from './rcu.js';

/** RCU_GET_STATE_COMPLETED: a grace period that is over for everybody (kernel/rcu/rcu.h). */
const COMPLETED = 1;
/** A step between the numbers of grace periods, above COMPLETED. */
const STEP = 4;

/**
 * Grace periods that somebody asks about instead of waiting for them (kernel/rcu/tree.c): a number stands for the first that begins
 * after it was given out. `_full` has it in a struct rcu_gp_oldstate.
 */
export class RcuPolling implements Subsystem {
  private started = STEP;
  private ended = STEP;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    get_state_synchronize_rcu: () => this.next(),
    start_poll_synchronize_rcu: () => this.start(),
    start_poll_synchronize_rcu_expedited: () => this.start(),
    poll_state_synchronize_rcu: (number: number) => this.isOver(number),
    cond_synchronize_rcu: (number: number) => this.waitFor(number),
    cond_synchronize_rcu_expedited: (number: number) => this.waitFor(number),
    get_completed_synchronize_rcu_full: (at: Ptr) => this.store(at, COMPLETED),
    get_state_synchronize_rcu_full: (at: Ptr) => this.store(at, this.next()),
    start_poll_synchronize_rcu_full: (at: Ptr) => this.store(at, this.start()),
    start_poll_synchronize_rcu_expedited_full: (at: Ptr) => this.store(at, this.start()),
    poll_state_synchronize_rcu_full: (at: Ptr) => this.isOver(this.load(at)),
    cond_synchronize_rcu_full: (at: Ptr) => this.waitFor(this.load(at)),
    cond_synchronize_rcu_expedited_full: (at: Ptr) => this.waitFor(this.load(at)),
  };

  /** The number of the first grace period that has not begun. */
  private next(): number {
    return this.started + STEP;
  }

  /** Begins a grace period. */
  private start(): number {
    this.started += STEP;
    const number = this.started;
    const over = (): void => this.end(number);
    // biome-ignore lint/correctness/useYield: interrupt work is a generator also where it never waits
    this.k.get(SoftirqQueue).raise('rcu', function* () {
      over();
    });
    return number;
  }

  private end(number: number): void {
    this.ended = Math.max(this.ended, number);
  }

  private isOver(number: number): boolean {
    return number === COMPLETED || number <= this.ended;
  }

  private *waitFor(number: number): Sleepable<void> {
    if (this.isOver(number)) return;
    this.started = Math.max(this.started, number);
    yield* this.k.get(Rcu).synchronize();
    this.end(number);
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
