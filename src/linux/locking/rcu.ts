import type { Ptr } from '../../cpu/layout.js';
import { constant, nothing } from '../../kernel/abi/fidelity.js';
import { type Sleepable, yieldCpu } from '../../kernel/effects.js';
import { TASK_UNINTERRUPTIBLE } from '../abi/task-state.js';
import { selfWait } from '../errors.js';
import type { Holding, Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { VmallocExports } from '../mm/vmalloc.js';
import { GRACE_NS } from '../sched/kthread.js';
import { Waiters } from '../sched/waiters.js';
import { SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';
import { Held, RCU, shared } from './held.js';

/** How deep a task is in read-side sections: with CONFIG_PREEMPT_RCU; else they are code without preemption. */
const NESTING = 'rcu_read_lock_nesting';

/** Below this a "function" given to kvfree_call_rcu is the rcu_head's offset in the object. */
const OFFSET_LIMIT = 4096;

/**
 * RCU on one CPU (Documentation/RCU/whatisRCU.rst): a grace period is over when every task that was inside a
 * read-side section has left it, which every switch between tasks outside such sections proves.
 */
export class Rcu implements Subsystem {
  private outstanding = 0;
  private readonly waiters: Waiters;
  private readonly held: Held;
  /** Callbacks since the last barrier. */
  private recent: { readonly head: Ptr; readonly fn: Ptr; readonly by: Origin; readonly at: number }[] = [];

  constructor(private readonly k: LinuxKernel) {
    this.waiters = new Waiters(k);
    this.held = k.get(Held);
  }

  readonly exports = {
    __rcu_read_lock: () => this.nest(1),
    __rcu_read_unlock: () => this.nest(-1),
    call_rcu: (head: Ptr, fn: Ptr) => this.call(head, fn),
    call_rcu_hurry: (head: Ptr, fn: Ptr) => this.call(head, fn),
    call_rcu_tasks: (head: Ptr, fn: Ptr) => this.call(head, fn),
    kvfree_call_rcu: (head: Ptr, fnOrPtr: Ptr) => this.free(head, fnOrPtr),
    synchronize_rcu: () => this.synchronize(),
    synchronize_rcu_expedited: () => this.synchronize(),
    synchronize_rcu_tasks: () => this.synchronize(),
    synchronize_net: () => this.synchronize(),
    rcu_barrier: () => this.barrier(),
    rcu_barrier_tasks: () => this.barrier(),
    call_rcu_tasks_rude: (head: Ptr, fn: Ptr) => this.call(head, fn),
    call_rcu_tasks_trace: (head: Ptr, fn: Ptr) => this.call(head, fn),
    synchronize_rcu_tasks_rude: () => this.synchronize(),
    synchronize_rcu_tasks_trace: () => this.synchronize(),
    rcu_momentary_dyntick_idle: constant(undefined),
    rcu_preempt_deferred_qs: constant(undefined),
    rcu_nocb_flush_deferred_wakeup: constant(undefined),
    rcu_is_watching: constant(true),
    init_srcu_struct: (srcu: Ptr) => {
      this.k.space.writable(srcu, this.k.sizeOf('srcu_struct')).fill(0);
      return 0;
    },
    cleanup_srcu_struct: nothing('readers of SRCU are not counted', undefined),
    __srcu_read_lock: nothing('readers of SRCU are not counted', 0),
    __srcu_read_unlock: nothing('readers of SRCU are not counted', undefined),
    mmu_notifier_synchronize: () => this.synchronize(),
    synchronize_srcu: () => this.synchronize(),
    synchronize_srcu_expedited: () => this.synchronize(),
    call_srcu: (_srcu: Ptr, head: Ptr, fn: Ptr) => this.call(head, fn),
    srcu_barrier: () => this.barrier(),
  };

  /**
   * Callbacks that a grace period could still have to come for. Here they run at once, but nobody may count on
   * that: who unloads their code has to wait with rcu_barrier().
   */
  *holds(): Generator<Holding> {
    for (const { head, fn, by, at } of this.recent)
      if (this.k.now() - at < GRACE_NS)
        yield { kind: 'RCU callback', at: head, uses: [fn], by, name: () => '' };
  }

  /** rcu_preempt_depth(): read-side sections that the running task is in. */
  get depth(): number {
    const type = this.k.struct('task_struct');
    return type.has(NESTING) ? type.get(this.k.current, NESTING) : 0;
  }

  /** Takes the running task out of sections that it should have left, or never was in, by itself. */
  set depth(value: number) {
    const type = this.k.struct('task_struct');
    if (!type.has(NESTING)) return;
    type.set(this.k.current, NESTING, value);
    const task = this.k.executor.current;
    const known = task ? this.held.of(task).filter(({ lockKind }) => lockKind === 'rcu').length : 0;
    for (let left = known; left > value; left--) this.held.released('rcu', RCU);
  }

  private nest(by: 1 | -1): void {
    const type = this.k.struct('task_struct');
    if (!type.has(NESTING)) return;
    type.set(this.k.current, NESTING, this.depth + by);
    if (by > 0) this.held.acquired('rcu', RCU, shared(false));
    else this.held.released('rcu', RCU);
  }

  /** With the RCU of one processor kfree_rcu() comes here, with an offset for a function (kernel/rcu/tiny.c). */
  private call(head: Ptr, fn: Ptr): void {
    const { k } = this;
    if (fn < OFFSET_LIMIT) {
      this.free(head, fn);
      return;
    }
    this.outstanding++;
    this.remember(head, fn);
    const rcu = this;
    k.get(SoftirqQueue).raise('rcu', function* () {
      yield* k.callAs('v:p', fn, head);
      rcu.done();
    });
  }

  private remember(head: Ptr, fn: Ptr): void {
    const { k } = this;
    const at = k.now();
    const old = this.recent.findIndex((one) => at - one.at < GRACE_NS);
    this.recent.splice(0, old < 0 ? this.recent.length : old);
    this.recent.push({ head, fn, by: k.origins.here(), at });
  }

  /** kvfree_call_rcu() */
  private free(head: Ptr, fnOrPtr: Ptr): void {
    const { k } = this;
    const object = fnOrPtr < OFFSET_LIMIT ? head - fnOrPtr : fnOrPtr;
    this.outstanding++;
    const rcu = this;
    // biome-ignore lint/correctness/useYield: interrupt work is a generator also where it never waits
    k.get(SoftirqQueue).raise('rcu', function* () {
      k.get(VmallocExports).kvfree(object);
      rcu.done();
    });
  }

  private done(): void {
    this.outstanding--;
    if (this.outstanding === 0) this.waiters.wakeAll(1);
  }

  *synchronize(): Sleepable<void> {
    this.k.traps.mightSleep('kernel/rcu/tree.c', 3310);
    if (this.depth > 0)
      throw selfWait('synchronize_rcu', 'a read-side section that the task is in', this.k.current);
    yield* yieldCpu();
  }

  *barrier(): Sleepable<void> {
    while (this.outstanding > 0) yield* this.waiters.wait(1, TASK_UNINTERRUPTIBLE);
    this.recent = [];
  }
}
