import type { Ptr } from '../../cpu/layout.js';
import { constant, nothing, partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { TaskCredentials } from '../credentials.js';
import { Oops } from '../errors.js';
import type { Holding, Origin } from '../holding.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const CAPABILITIES_ALL = 0x1ff_ffff_ffffn;
const INIT_USER_NS_LEVEL = 0;
/** int (*)(unsigned int cpu), of parameters of __cpuhp_setup_state(). */
const OF_CPU = 'i:u';

interface HotplugState {
  readonly startup: Ptr;
  readonly teardown: Ptr;
  readonly name: string;
  readonly by: Origin;
}

/** Small parts of kernel/: capabilities of root, the stack protector, hot-plug of the one CPU, reboot hooks. */
export class CoreMisc implements Subsystem {
  private dynamicStates = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __stack_chk_fail: () => {
      const at = symbolize(this.k, this.k.caller);
      throw new Oops(
        'stack-corruption',
        `Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: ${at}`,
        this.k.caller,
      );
    },
    capable: (capability: number) => this.capable(capability),
    ns_capable: (_namespace: Ptr, capability: number) => this.capable(capability),
    ns_capable_noaudit: (_namespace: Ptr, capability: number) => this.capable(capability),
    file_ns_capable: nothing('every opener of a file may do everything', true),
    has_capability: (task: Ptr, capability: number) => this.hasCapability(task, capability),
    has_capability_noaudit: (task: Ptr, capability: number) => this.hasCapability(task, capability),
    capable_wrt_inode_uidgid: (_owner: Ptr, _inode: Ptr, capability: number) => this.capable(capability),
    __cpuhp_setup_state: (state: number, name: Ptr, invoke: boolean, startup: Ptr, teardown: Ptr) =>
      this.hotplug(state, name, invoke, startup, teardown),
    __cpuhp_setup_state_cpuslocked: (
      state: number,
      name: Ptr,
      invoke: boolean,
      startup: Ptr,
      teardown: Ptr,
    ) => this.hotplug(state, name, invoke, startup, teardown),
    __cpuhp_remove_state: (state: number, invoke: boolean) => this.hotplugRemove(state, invoke),
    __cpuhp_remove_state_cpuslocked: (state: number, invoke: boolean) => this.hotplugRemove(state, invoke),
    cpus_read_lock: constant(undefined),
    cpus_read_unlock: constant(undefined),
    cpus_read_trylock: constant(1),
    on_each_cpu_cond_mask: (condition: Ptr, fn: Ptr, info: Ptr) => this.callEverywhere(condition, fn, info),
    smp_call_function_single: (_cpu: number, fn: Ptr, info: Ptr) => this.callHere(fn, info),
    smp_call_function: constant(undefined),
    smp_call_function_many: constant(undefined),
    kick_all_cpus_sync: constant(undefined),
    cpumask_any_and_distribute: constant(0),
    cpumask_local_spread: constant(0),
    make_kuid: partly('there is one user namespace', (_ns: Ptr, uid: number) => uid),
    make_kgid: partly('there is one user namespace', (_ns: Ptr, gid: number) => gid),
    from_kuid: partly('there is one user namespace', (_ns: Ptr, uid: number) => uid),
    from_kuid_munged: partly('there is one user namespace', (_ns: Ptr, uid: number) => uid),
    from_kgid: partly('there is one user namespace', (_ns: Ptr, gid: number) => gid),
    from_kgid_munged: partly('there is one user namespace', (_ns: Ptr, gid: number) => gid),
    in_group_p: nothing('the user is in every group', 1),
    in_egroup_p: nothing('the user is in every group', 1),
  };

  *holds(): Generator<Holding> {
    for (const [state, { teardown, startup, name, by }] of this.hotplugStates) {
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

  private readonly hotplugStates = new Map<number, HotplugState>();

  readonly data = {
    init_cred: (at: Ptr) => this.fillCredentials(at),
    init_user_ns: (at: Ptr) => this.initialUserNamespace(at),
    overflowuid: (at: Ptr) => this.k.space.store32(at, 65534),
    overflowgid: (at: Ptr) => this.k.space.store32(at, 65534),
    system_state: (at: Ptr) => this.k.space.store32(at, this.k.enumValue('SYSTEM_RUNNING')),
    init_task: () => {},
  };

  /** Held by init, its credentials and the network namespace. */
  private initialUserNamespace(at: Ptr): void {
    const type = this.k.struct('user_namespace');
    type.set(at, 'level', INIT_USER_NS_LEVEL);
    type.set(at, 'ns.count.refs.counter', 3);
  }

  /** CPU hot-plug callbacks: the startup runs at once on the one CPU that is up. */
  private *hotplug(
    state: number,
    name: Ptr,
    invoke: boolean,
    startup: Ptr,
    teardown: Ptr,
  ): Sleepable<number> {
    const by = this.k.origins.here();
    const { k } = this;
    const dynamic =
      state === k.enumValue('CPUHP_AP_ONLINE_DYN') || state === k.enumValue('CPUHP_BP_PREPARE_DYN');
    const number = dynamic ? state + this.dynamicStates++ : state;
    if (invoke && startup !== 0) {
      const result = yield* k.callAs(OF_CPU, startup, 0);
      if (result < 0) return result;
    }
    this.hotplugStates.set(number, {
      startup,
      teardown,
      name: name === 0 ? '' : k.space.cstring(name),
      by,
    });
    return dynamic ? number : 0;
  }

  private *hotplugRemove(state: number, invoke: boolean): Sleepable<void> {
    const teardown = this.hotplugStates.get(state)?.teardown ?? 0;
    this.hotplugStates.delete(state);
    if (invoke && teardown !== 0) yield* this.k.callAs(OF_CPU, teardown, 0);
  }

  /** A cross-CPU call of the CPU itself: with interrupts off, as the interrupt of another CPU's would be served. */
  private *callHere(fn: Ptr, info: Ptr): Sleepable<number> {
    const { cpu } = this.k;
    const enabled = cpu.interruptsEnabled;
    cpu.interruptsEnabled = false;
    yield* this.k.callAs('smp_call_func_t', fn, info);
    cpu.interruptsEnabled = enabled;
    return 0;
  }

  private *callEverywhere(condition: Ptr, fn: Ptr, info: Ptr): Sleepable<void> {
    if (condition !== 0 && (yield* this.k.callAs('smp_cond_func_t', condition, 0, info)) === 0) return;
    yield* this.callHere(fn, info);
  }

  private capable(capability: number): boolean {
    const who = this.k.get(TaskCredentials);
    return who.has(who.current, capability);
  }

  private hasCapability(task: Ptr, capability: number): boolean {
    return this.k.get(TaskCredentials).has(this.k.struct('task_struct').get(task, 'real_cred'), capability);
  }

  private fillCredentials(at: Ptr): void {
    const type = this.k.struct('cred');
    type.set(at, 'usage.counter', 4);
    for (const set of ['cap_permitted', 'cap_effective', 'cap_bset'])
      this.k.space.store64(type.addr(at, set), CAPABILITIES_ALL);
    if (this.k.hasSymbol('init_user_ns')) type.set(at, 'user_ns', this.k.symbol('init_user_ns'));
  }
}
