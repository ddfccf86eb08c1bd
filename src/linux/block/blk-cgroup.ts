import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { GFP_KERNEL } from '../abi/gfp.js';
import { EINVAL, ENOMEM, ENOSPC } from '../errno.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Policies by which control groups share disks (block/blk-cgroup.c). There is one group, the root. */
export class BlockCgroups implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  /** Policies by their number, plid. */
  private readonly policies: (Ptr | undefined)[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    blkcg_policy_register: (policy: Ptr) => this.register(policy),
    blkcg_policy_unregister: (policy: Ptr) => this.unregister(policy),
  };

  holds(): Iterable<Holding> {
    const policies = this.policies.filter((policy) => policy !== undefined);
    return heldStructs(this.k, { kind: 'block cgroup policy', struct: 'blkcg_policy' }, policies);
  }

  /** Gives the policy a number, and the root group the policy's data. -ENOSPC when all numbers are taken. */
  private *register(policy: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('blkcg_policy');
    const slots = Math.floor(k.struct('blkcg').member('cpd').size / 8);
    const id = Array.from({ length: slots }, (_, i) => i).find((i) => this.policies[i] === undefined);
    if (id === undefined) return -ENOSPC;
    const [alloc, free] = [type.get(policy, 'cpd_alloc_fn'), type.get(policy, 'cpd_free_fn')];
    if ((alloc === 0) !== (free === 0)) return -EINVAL;
    this.k.origins.note(policy);
    this.policies[id] = policy;
    type.set(policy, 'plid', id);
    if (alloc === 0) return 0;
    const data = yield* type.call(policy, 'cpd_alloc_fn', GFP_KERNEL);
    if (data === 0) {
      this.policies[id] = undefined;
      return -ENOMEM;
    }
    const cpd = k.struct('blkcg_policy_data');
    cpd.set(data, 'blkcg', k.symbol('blkcg_root'));
    cpd.set(data, 'plid', id);
    k.space.storePtr(this.slot(id), data);
    if (type.has('cpd_init_fn') && type.get(policy, 'cpd_init_fn') !== 0)
      yield* type.call(policy, 'cpd_init_fn', data);
    return 0;
  }

  private *unregister(policy: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('blkcg_policy');
    const id = type.get(policy, 'plid');
    if (this.policies[id] !== policy) return;
    const data = k.space.loadPtr(this.slot(id));
    if (data !== 0) yield* type.call(policy, 'cpd_free_fn', data);
    k.space.storePtr(this.slot(id), 0);
    this.policies[id] = undefined;
  }

  /** &blkcg_root.cpd[id] */
  private slot(id: number): Ptr {
    return this.k.struct('blkcg').addr(this.k.symbol('blkcg_root'), 'cpd') + 8 * id;
  }
}
