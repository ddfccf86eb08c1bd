import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding, Origin } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** int (*)(unsigned int cpu), of parameters of __cpuhp_setup_state(). */
const OF_CPU = 'i:u';

/** int (*)(unsigned int cpu, struct hlist_node *node), of states with instances. */
const OF_INSTANCE = 'i:up';

interface HotplugState {
  readonly startup: Ptr;
  readonly teardown: Ptr;
  readonly name: string;
  readonly by: Origin;
}

/** CPU hot-plug states (Documentation/core-api/cpu_hotplug.rst): there is one CPU, which stays. */
export class CpuHotplug implements Subsystem {
  private dynamicStates = 0;
  /** Nodes of the instances of states, with these. */
  private readonly instances = new Map<Ptr, number>();
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
    __cpuhp_state_add_instance: (state: number, node: Ptr, invoke: boolean) =>
      this.addInstance(state, node, invoke),
    __cpuhp_state_remove_instance: (state: number, node: Ptr, invoke: boolean) =>
      this.removeInstance(state, node, invoke),
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
    for (const [at, state] of this.instances)
      yield { kind: 'CPU hotplug instance', at, name: () => String(state) };
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

  /** __cpuhp_state_add_instance(): one more object that a state of many is told of CPUs with. */
  private *addInstance(state: number, node: Ptr, invoke: boolean): Sleepable<number> {
    const startup = this.states.get(state)?.startup ?? 0;
    if (invoke && startup !== 0) {
      const result = yield* this.k.callAs(OF_INSTANCE, startup, 0, node);
      if (result < 0) return result;
    }
    this.k.origins.note(node);
    this.instances.set(node, state);
    return 0;
  }

  private *removeInstance(state: number, node: Ptr, invoke: boolean): Sleepable<number> {
    const teardown = this.states.get(state)?.teardown ?? 0;
    if (invoke && teardown !== 0) yield* this.k.callAs(OF_INSTANCE, teardown, 0, node);
    this.instances.delete(node);
    return 0;
  }

  private *remove(state: number, invoke: boolean): Sleepable<void> {
    const teardown = this.states.get(state)?.teardown ?? 0;
    this.states.delete(state);
    if (invoke && teardown !== 0) yield* this.k.callAs(OF_CPU, teardown, 0);
  }
}
