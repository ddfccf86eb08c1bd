import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** ICHS_QUEUED, ICHS_RUNNING, ICHS_DONE (sys/kernel.h). */
const QUEUED = 'ICHS_QUEUED';
const RUNNING = 'ICHS_RUNNING';
const DONE = 'ICHS_DONE';

/**
 * What drivers put off until interrupts work, config_intrhook(9) (sys/kern/subr_autoconf.c). They do when a module is loaded, so its hooks
 * run at once; they count as there until they are taken back.
 */
export class IntrHooks implements Subsystem {
  private readonly established = new Set<Ptr>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    config_intrhook_establish: (hook: Ptr) => this.establish(hook),
    config_intrhook_disestablish: (hook: Ptr) => this.disestablish(hook),
    config_intrhook_oneshot: (fn: Ptr, arg: Ptr) => this.oneshot(fn, arg),
    config_intrhook_drain: (hook: Ptr) => this.drain(hook),
  };

  private set(hook: Ptr, state: string): void {
    this.k.struct('intr_config_hook').set(hook, 'ich_state', this.k.macro(state));
  }

  private *establish(hook: Ptr): Sleepable<number> {
    const { k } = this;
    if (this.established.has(hook))
      k.panic('config_intrhook_establish: establishing an already established hook.');
    const type = k.struct('intr_config_hook');
    this.established.add(hook);
    k.origins.note(hook);
    this.set(hook, QUEUED);
    this.set(hook, RUNNING);
    yield* k.callAs('v:p', type.get(hook, 'ich_func'), type.get(hook, 'ich_arg'));
    return 0;
  }

  private disestablish(hook: Ptr): void {
    const { k } = this;
    if (!this.established.delete(hook))
      k.panic('config_intrhook_disestablish: disestablishing an unestablished hook');
    k.origins.forget(hook);
    this.set(hook, DONE);
    k.get(SleepQueues).wakeAll(hook);
  }

  private *oneshot(fn: Ptr, arg: Ptr): Sleepable<void> {
    yield* this.k.callAs('v:p', fn, arg);
  }

  /** Waits until a hook is taken back: an errno-like answer of whether it had run. */
  private *drain(hook: Ptr): Sleepable<number> {
    const { k } = this;
    while (this.established.has(hook)) yield* k.get(SleepQueues).sleep(hook, { message: 'confhd' });
    return k.macro(DONE);
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const at of this.established)
      yield {
        kind: 'config_intrhook',
        at,
        uses: [k.struct('intr_config_hook').get(at, 'ich_func')],
        by: k.origins.of(at),
        name: () => '',
      };
  }
}
