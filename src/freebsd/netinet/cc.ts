import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, EEXIST, EINVAL, ENOENT } from '../errno.js';
import { SimpleTailQueue } from '../kern/queue.js';
import { RwLocks } from '../kern/rwlock.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_QUIESCE, MOD_SHUTDOWN, MOD_UNLOAD } from '../linker/modules.js';
import { Vnet } from '../net/vnet.js';
import type { Subsystem } from '../subsystem.js';

/** CC_DEFAULT of GENERIC: the algorithm that the kernel has itself. No connection of this kernel's uses it. */
const DEFAULT = 'cubic';

/** mod_cc(9) (sys/netinet/cc/cc.c): congestion control algorithms. */
export class CongestionControl implements Subsystem {
  private readonly list: SimpleTailQueue;

  constructor(private readonly k: FreebsdKernel) {
    this.list = new SimpleTailQueue(k.space, k.struct('cc_algo').offsetOf('entries'));
  }

  readonly exports = {
    cc_modevent: (_module: Ptr, event: number, algo: Ptr) => this.event(event, algo),
    cc_register_algo: (algo: Ptr) => this.register(algo),
    cc_deregister_algo: (algo: Ptr) => this.deregister(algo),
  };

  readonly data = {
    cc_list: (at: Ptr) => this.list.init(at),
    cc_list_lock: (at: Ptr) => this.k.get(RwLocks).init(at, this.k.constantString('cc_list'), 0),
    hystart_lowcwnd: (at: Ptr) => this.k.space.store32(at, 16),
    hystart_minrtt_thresh: (at: Ptr) => this.k.space.store32(at, 4000),
    hystart_maxrtt_thresh: (at: Ptr) => this.k.space.store32(at, 16000),
    hystart_n_rttsamples: (at: Ptr) => this.k.space.store32(at, 8),
    hystart_css_growth_div: (at: Ptr) => this.k.space.store32(at, 4),
    hystart_css_rounds: (at: Ptr) => this.k.space.store32(at, 5),
    hystart_bblogs: () => {},
  };

  /** The kernel's own algorithm, which new network stacks begin with. */
  boot(): void {
    const { k } = this;
    const type = k.struct('cc_algo');
    const own = k.permanent(type.size);
    type.setText(own, 'name', DEFAULT);
    this.list.insertTail(this.head, own);
    k.get(Vnet).eachFromNowOn((vnet) => k.space.storePtr(k.get(Vnet).variable('default_cc_ptr', vnet), own));
  }

  private get head(): Ptr {
    return this.k.variable('cc_list', 16);
  }

  private *event(event: number, algo: Ptr): Sleepable<number> {
    switch (event) {
      case MOD_LOAD:
        return yield* this.load(algo);
      case MOD_QUIESCE:
        return this.stopNewAssignments(algo);
      case MOD_UNLOAD:
        return yield* this.unload(algo);
      case MOD_SHUTDOWN:
        return 0;
      default:
        return EINVAL;
    }
  }

  private *load(algo: Ptr): Sleepable<number> {
    const type = this.k.struct('cc_algo');
    if (type.get(algo, 'cc_data_sz') === 0 && type.get(algo, 'cb_init') !== 0) {
      this.k.get(SubrPrf).line('Module Load Fails, it lacks a cc_data_sz() function but has a cb_init()!');
      return EINVAL;
    }
    const error = type.get(algo, 'mod_init') === 0 ? 0 : yield* type.call(algo, 'mod_init');
    return error === 0 ? this.register(algo) : error;
  }

  private *unload(algo: Ptr): Sleepable<number> {
    const type = this.k.struct('cc_algo');
    const error = this.deregister(algo);
    if (error === 0 && type.get(algo, 'mod_destroy') !== 0) yield* type.call(algo, 'mod_destroy');
    return error;
  }

  private stopNewAssignments(algo: Ptr): number {
    if (this.isDefault(algo)) return EBUSY;
    const type = this.k.struct('cc_algo');
    type.set(algo, 'flags', type.get(algo, 'flags') | this.k.macro('CC_MODULE_BEING_REMOVED'));
    return 0;
  }

  /** Whether a network stack has an algorithm of that name for its default. */
  private isDefault(algo: Ptr): boolean {
    const { k } = this;
    const vnet = k.get(Vnet);
    const defaults = vnet.all.map((one) => k.space.loadPtr(vnet.variable('default_cc_ptr', one)));
    return defaults.some((one) => one !== 0 && this.nameOf(one) === this.nameOf(algo));
  }

  private nameOf(algo: Ptr): string {
    return this.k.struct('cc_algo').text(algo, 'name');
  }

  register(algo: Ptr): number {
    for (const known of this.list.elements(this.head))
      if (known === algo || this.nameOf(known) === this.nameOf(algo)) return EEXIST;
    this.k.struct('cc_algo').set(algo, 'cc_refcount', 0);
    this.list.insertTail(this.head, algo);
    return 0;
  }

  private deregister(algo: Ptr): number {
    if (this.isDefault(algo)) return EBUSY;
    if (![...this.list.elements(this.head)].includes(algo)) return ENOENT;
    if (this.k.struct('cc_algo').get(algo, 'cc_refcount') !== 0) return EBUSY;
    this.list.remove(this.head, algo);
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const at of this.list.elements(this.head))
      yield { kind: 'congestion control algorithm', at, name: () => this.nameOf(at) };
  }
}
