import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding, Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** int (*)(unsigned int cpu), of parameters of __cpuhp_setup_state(). */
const OF_CPU = 'i:u';

interface HotplugState {
  readonly startup: Ptr;
  readonly teardown: Ptr;
  readonly name: string;
  readonly by: Origin;
}

/** CPU hot-plug states (Documentation/core-api/cpu_hotplug.rst): there is one CPU, which stays. */
export class CpuHotplug implements Subsystem {
  private dynamicStates = 0;
  private readonly states = new Map<number, HotplugState>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __cpuhp_setup_state: (state: number, name: Ptr, invoke: boolean, startup: Ptr, teardown: Ptr) =>
      this.setup(state, name, invoke, startup, teardown),
    __cpuhp_setup_state_cpuslocked: (
      state: number,
      name: Ptr,
      invoke: boolean,
      startup: Ptr,
      teardown: Ptr,
    ) => this.setup(state, name, invoke, startup, teardown),
    __cpuhp_remove_state: (state: number, invoke: boolean) => this.remove(state, invoke),
    __cpuhp_remove_state_cpuslocked: (state: number, invoke: boolean) => this.remove(state, invoke),
    cpus_read_lock: constant(undefined),
    cpus_read_unlock: constant(undefined),
    cpus_read_trylock: constant(1),
  };

  *holds(): Generator<Holding> {
    for (const [state, { teardown, startup, name, by }] of this.states) {
      const uses = [startup, teardown];
      yield {
        kind: 'CPU hotplug state',
        at: startup || teardown,
        uses,
        by,
        name: () => name || String(state),
      };
    }
  }

  /** The startup callback runs at once on the one CPU that is up. */
  private *setup(state: number, name: Ptr, invoke: boolean, startup: Ptr, teardown: Ptr): Sleepable<number> {
    const by = this.k.origins.here();
    const { k } = this;
    const dynamic =
      state === k.enumValue('CPUHP_AP_ONLINE_DYN') || state === k.enumValue('CPUHP_BP_PREPARE_DYN');
    const number = dynamic ? state + this.dynamicStates++ : state;
    if (invoke && startup !== 0) {
      const result = yield* k.callAs(OF_CPU, startup, 0);
      if (result < 0) return result;
    }
    this.states.set(number, {
      startup,
      teardown,
      name: name === 0 ? '' : k.space.cstring(name),
      by,
    });
    return dynamic ? number : 0;
  }

  private *remove(state: number, invoke: boolean): Sleepable<void> {
    const teardown = this.states.get(state)?.teardown ?? 0;
    this.states.delete(state);
    if (invoke && teardown !== 0) yield* this.k.callAs(OF_CPU, teardown, 0);
  }
}
