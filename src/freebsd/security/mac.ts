import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EEXIST, ENOMEM, EOPNOTSUPP } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';

/** struct mac_policy_conf (sys/security/mac/mac_policy.h, which is not installed): offsets of its members. */
const NAME = 0;
const FULL_NAME = 8;
const OPERATIONS = 16;
const LOADTIME_FLAGS = 24;
const FIELD_OFFSET = 32;
const RUNTIME_FLAGS = 40;
const NOT_LATE = 1;
const UNLOAD_OK = 2;
const REGISTERED = 1;
/** The first two of struct mac_policy_ops. */
const MPO_DESTROY = 0;
const MPO_INIT = 8;
/** Labels that objects have (MAC_MAX_SLOTS). */
const SLOTS = 4;

/** The MAC framework's policies (sys/security/mac/mac_framework.c): they come and go. */
export class MacPolicies implements Subsystem {
  private readonly policies: Ptr[] = [];
  private readonly slots = new Map<Ptr, number>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    mac_policy_modevent: partly(
      'no check of the kernel asks the policy',
      (_module: Ptr, what: number, conf: Ptr) => this.event(what, conf),
    ),
  };

  readonly signatures = { mac_policy_modevent: 'i:pip' };

  private *event(what: number, conf: Ptr): Sleepable<number> {
    if (what === MOD_LOAD) return yield* this.register(conf);
    if (what === MOD_UNLOAD) return yield* this.unregister(conf);
    return EOPNOTSUPP;
  }

  private text(conf: Ptr, member: number): string {
    return this.k.space.cstring(this.k.space.loadPtr(conf + member));
  }

  private flags(conf: Ptr, member: number): number {
    return this.k.space.load32(conf + member);
  }

  private *register(conf: Ptr): Sleepable<number> {
    const { k } = this;
    const name = this.text(conf, NAME);
    if (this.flags(conf, LOADTIME_FLAGS) & NOT_LATE) {
      k.get(SubrPrf).line(`mac_policy_modevent: can't load ${name} policy after booting`);
      return EBUSY;
    }
    if (this.policies.some((other) => this.text(other, NAME) === name)) return EEXIST;
    const field = k.space.loadPtr(conf + FIELD_OFFSET);
    if (field !== 0) {
      const slot = [...Array(SLOTS).keys()].find((one) => ![...this.slots.values()].includes(one));
      if (slot === undefined) return ENOMEM;
      this.slots.set(conf, slot);
      k.space.store32(field, slot);
    }
    k.space.store32(conf + RUNTIME_FLAGS, this.flags(conf, RUNTIME_FLAGS) | REGISTERED);
    this.policies.unshift(conf);
    yield* this.call(conf, MPO_INIT);
    k.get(SubrPrf).line(`Security policy loaded: ${this.text(conf, FULL_NAME)} (${name})`);
    return 0;
  }

  private *call(conf: Ptr, member: number): Sleepable<void> {
    const fn = this.k.space.loadPtr(this.k.space.loadPtr(conf + OPERATIONS) + member);
    if (fn !== 0) yield* this.k.callAs('v:p', fn, conf);
  }

  private *unregister(conf: Ptr): Sleepable<number> {
    const { k } = this;
    if ((this.flags(conf, RUNTIME_FLAGS) & REGISTERED) === 0) return 0;
    if ((this.flags(conf, LOADTIME_FLAGS) & UNLOAD_OK) === 0) return EBUSY;
    yield* this.call(conf, MPO_DESTROY);
    this.policies.splice(this.policies.indexOf(conf), 1);
    this.slots.delete(conf);
    k.space.store32(conf + RUNTIME_FLAGS, this.flags(conf, RUNTIME_FLAGS) & ~REGISTERED);
    k.get(SubrPrf).line(`Security policy unload: ${this.text(conf, FULL_NAME)} (${this.text(conf, NAME)})`);
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const at of this.policies) yield { kind: 'security policy', at, name: () => this.text(at, NAME) };
  }
}
