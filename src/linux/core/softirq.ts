import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { yieldCpu } from '../../kernel/effects.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import { SoftirqQueue } from '../softirq-queue.js';
import type { Subsystem } from '../subsystem.js';
import { inSoftirq } from '../time/softirq-context.js';

const SCHEDULED = 1;

/** Tasklets and softirqs (Documentation/kernel-hacking/hacking.rst, "Software Interrupts"). */
export class Softirqs implements Subsystem {
  private readonly running = new Set<Ptr>();
  private readonly waiting = new Set<Ptr>();
  private readonly actions = new Map<number, Ptr>();
  private readonly raised = new Set<number>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    tasklet_init: (tasklet: Ptr, fn: Ptr, data: number) => {
      const type = this.k.struct('tasklet_struct');
      this.k.space.writable(tasklet, type.size).fill(0);
      type.set(tasklet, 'func', fn);
      type.set(tasklet, 'data', data);
    },
    tasklet_setup: (tasklet: Ptr, callback: Ptr) => {
      const type = this.k.struct('tasklet_struct');
      this.k.space.writable(tasklet, type.size).fill(0);
      type.set(tasklet, 'callback', callback);
      type.set(tasklet, 'use_callback', 1);
    },
    __tasklet_schedule: (tasklet: Ptr) => this.schedule(tasklet, this.k.enumValue('TASKLET_SOFTIRQ')),
    __tasklet_hi_schedule: (tasklet: Ptr) => this.schedule(tasklet, this.k.enumValue('HI_SOFTIRQ')),
    tasklet_kill: (tasklet: Ptr) => this.kill(tasklet),
    tasklet_unlock_wait: constant(undefined),
    tasklet_unlock_spin_wait: constant(undefined),
    tasklet_unlock: (tasklet: Ptr) => this.setState(tasklet, 0),
    open_softirq: (number: number, action: Ptr) => {
      this.actions.set(number, action);
    },
    raise_softirq: (number: number) => this.raise(number),
    raise_softirq_irqoff: (number: number) => this.raise(number),
    __raise_softirq_irqoff: (number: number) => this.raise(number),
  };

  *holds(): Generator<Holding> {
    const what = { kind: 'scheduled tasklet', struct: 'tasklet_struct', uses: ['func'] };
    yield* heldStructs(this.k, what, this.waiting);
    for (const [number, at] of this.actions)
      if (at !== 0) yield { kind: 'softirq', at, name: () => String(number) };
  }

  /** Queues a softirq's action to run at the next opportunity. */
  private raise(number: number): void {
    if (this.raised.has(number)) return;
    this.raised.add(number);
    const { k } = this;
    const softirqs = this;
    k.get(SoftirqQueue).raise('softirq', function* () {
      softirqs.raised.delete(number);
      const action = softirqs.actions.get(number);
      if (action === undefined) return;
      // void (*action)(struct softirq_action *), a parameter of open_softirq(); from 6.12 on it takes nothing.
      yield* inSoftirq(k, number, action, k.callAs('v:p', action, 0));
    });
  }

  private schedule(tasklet: Ptr, vector: number): void {
    const { k } = this;
    const softirqs = this;
    this.waiting.add(tasklet);
    k.get(SoftirqQueue).raise('tasklet', function* () {
      softirqs.waiting.delete(tasklet);
      const type = k.struct('tasklet_struct');
      if (type.get(tasklet, 'count.counter') !== 0) {
        softirqs.schedule(tasklet, vector);
        return;
      }
      softirqs.setState(tasklet, 0);
      softirqs.running.add(tasklet);
      const callback = type.get(tasklet, 'use_callback') !== 0;
      const member = callback ? 'callback' : 'func';
      const call = type.call(tasklet, member, callback ? tasklet : type.getBig(tasklet, 'data'));
      yield* inSoftirq(k, vector, type.get(tasklet, member), call);
      softirqs.running.delete(tasklet);
    });
  }

  private setState(tasklet: Ptr, state: number): void {
    this.k.struct('tasklet_struct').set(tasklet, 'state', state);
  }

  /** Waits until a scheduled tasklet has run. */
  private *kill(tasklet: Ptr): Sleepable<void> {
    const type = this.k.struct('tasklet_struct');
    while ((type.get(tasklet, 'state') & SCHEDULED) !== 0 || this.running.has(tasklet)) yield* yieldCpu();
  }
}
