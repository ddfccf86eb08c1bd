import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GuestList } from '../../abi/guest-list.js';
import { EEXIST, EINVAL, ENOENT } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { PernetOperations } from '../core/pernet.js';

/** The kinds of actions of packet classifiers (net/sched/act_api.c). */
export class ClassifierActions implements Subsystem {
  static readonly builtIn = 'CONFIG_NET_CLS_ACT';

  readonly keeps = ['act_base'];
  private readonly kinds: GuestList;

  constructor(private readonly k: LinuxKernel) {
    this.kinds = new GuestList(k, 'tc_action_ops', 'head', 'act_base', {
      kind: 'packet action',
      name: 'kind',
    });
  }

  readonly exports = {
    tcf_register_action: (ops: Ptr, pernet: Ptr) => this.register(ops, pernet),
    tcf_unregister_action: (ops: Ptr, pernet: Ptr) => this.unregister(ops, pernet),
  };

  /** Per-namespace tables of the kind's actions come first, so that the kind works once it can be found. */
  private *register(ops: Ptr, pernet: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('tc_action_ops');
    if (['act', 'dump', 'init'].some((field) => type.get(ops, field) === 0)) return -EINVAL;
    const error = yield* k.get(PernetOperations).exports.register_pernet_subsys(pernet);
    if (error) return error;
    const same = (known: Ptr): boolean =>
      type.get(known, 'id') === type.get(ops, 'id') || type.text(known, 'kind') === type.text(ops, 'kind');
    if (this.kinds.find(same) !== undefined) {
      yield* k.get(PernetOperations).exports.unregister_pernet_subsys(pernet);
      return -EEXIST;
    }
    this.kinds.addTail(ops);
    return 0;
  }

  private *unregister(ops: Ptr, pernet: Ptr): Sleepable<number> {
    const { k } = this;
    if (!this.kinds.has(ops)) return -ENOENT;
    this.kinds.del(ops);
    yield* k.get(PernetOperations).exports.unregister_pernet_subsys(pernet);
    return 0;
  }
}
