import type { Ptr } from '../../../cpu/layout.js';
import { nothing, unchanged } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GuestList } from '../../abi/guest-list.js';
import { AF_INET, AF_INET6 } from '../../abi/socket.js';
import { EAFNOSUPPORT, EEXIST, EINVAL, ESRCH } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { SlotTable } from '../core/slot-table.js';

const SOURCE = 'net/xfrm/xfrm_state.c';
/** Address families (NPROTO, AF_MAX). */
const FAMILIES = 46;
/** Members of struct xfrm_state_afinfo that point to the types of a protocol. */
const MEMBERS: Readonly<Record<number, string>> = {
  4: 'type_ipip',
  41: 'type_ipip6',
  43: 'type_routing',
  50: 'type_esp',
  51: 'type_ah',
  60: 'type_dstopts',
  108: 'type_comp',
};
const OFFLOAD_MEMBERS: Readonly<Record<number, string>> = { 50: 'type_offload_esp' };

/**
 * What transforms packets: types of each protocol, key managers, callbacks (net/xfrm/xfrm_state.c, xfrm_input.c).
 * There are no states: what makes them is not implemented, so that there is nothing to flush.
 */
export class XfrmRegistry implements Subsystem {
  static readonly builtIn = 'CONFIG_XFRM';

  private readonly types = new Map<string, Ptr>();
  readonly keeps = ['xfrm_km_list', 'xfrm_state_afinfo'];
  private readonly managers: GuestList;
  private readonly families: SlotTable;
  private readonly inputs = new Map<string, Ptr>();
  private interfaceCallback: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {
    this.managers = new GuestList(k, 'xfrm_mgr', 'list', 'xfrm_km_list', { kind: 'key manager' });
    this.families = new SlotTable(k, FAMILIES, 'xfrm_state_afinfo', 'IPsec of a family');
  }

  readonly exports = {
    xfrm_register_type: (type: Ptr, family: number) => this.register('xfrm_type', type, family),
    xfrm_unregister_type: (type: Ptr, family: number) => this.unregister('xfrm_type', type, family),
    xfrm_register_type_offload: (type: Ptr, family: number) =>
      this.register('xfrm_type_offload', type, family),
    xfrm_unregister_type_offload: (type: Ptr, family: number) =>
      this.unregister('xfrm_type_offload', type, family),
    xfrm_state_register_afinfo: (info: Ptr) => this.registerFamily(info),
    xfrm_state_unregister_afinfo: (info: Ptr) => this.unregisterFamily(info),
    xfrm_state_flush: nothing('there are no states to flush', -ESRCH),
    xfrm_dev_state_flush: nothing('there are no states to flush', -ESRCH),
    xfrm_flush_gc: nothing('there are no states to flush', undefined),
    xfrm_state_lookup: nothing('there are no states to find', 0),
    xfrm_state_lookup_byaddr: nothing('there are no states to find', 0),
    __xfrm_policy_check: nothing('there are no policies to check packets against', 1),
    xfrm_lookup_with_ifid: unchanged(
      'there are no policies that send packets elsewhere',
      (_net: Ptr, dst: Ptr) => dst,
    ),
    xfrm_register_km: (manager: Ptr) => {
      this.managers.addTail(manager);
      return 0;
    },
    xfrm_unregister_km: (manager: Ptr) => this.unregisterManager(manager),
    xfrm_input_register_afinfo: (info: Ptr) => this.registerInput(info),
    xfrm_input_unregister_afinfo: (info: Ptr) => this.unregisterInput(info),
    xfrm_if_register_cb: (callback: Ptr) => {
      this.interfaceCallback = callback;
    },
    xfrm_if_unregister_cb: () => this.dropInterfaceCallback(),
  };

  *holds(): Generator<Holding> {
    for (const [name, at] of this.types) yield { kind: 'IPsec transform', at, name: () => name };
    for (const [name, at] of this.inputs) yield { kind: 'IPsec input', at, name: () => name };
    const at = this.interfaceCallback;
    if (at !== 0) yield { kind: 'IPsec interface callback', at, name: () => '' };
  }

  /** The registered type of a protocol of a family. */
  type(family: number, protocol: number): Ptr {
    return this.types.get(`xfrm_type/${family}/${protocol}`) ?? 0;
  }

  get interfaces(): Ptr {
    return this.interfaceCallback;
  }

  private register(struct: string, type: Ptr, family: number): number {
    if (family !== AF_INET && family !== AF_INET6) return -EAFNOSUPPORT;
    const key = this.key(struct, type, family);
    if (this.types.has(key)) return -EEXIST;
    this.types.set(key, type);
    this.tellFamily(struct, family, this.k.struct(struct).get(type, 'proto'), type);
    return 0;
  }

  /** A family's struct xfrm_state_afinfo has what its protocols are transformed by. */
  private tellFamily(struct: string, family: number, protocol: number, type: Ptr): void {
    const info = this.families.get(family);
    const member = (struct === 'xfrm_type' ? MEMBERS : OFFLOAD_MEMBERS)[protocol];
    if (info !== 0 && member !== undefined) this.k.struct('xfrm_state_afinfo').set(info, member, type);
  }

  private registerFamily(info: Ptr): number {
    const family = this.k.struct('xfrm_state_afinfo').get(info, 'family');
    if (family >= FAMILIES) return -EAFNOSUPPORT;
    if (!this.families.take(family, info)) return -EEXIST;
    for (const [key, type] of this.types) {
      const [struct, of, protocol] = key.split('/');
      if (Number(of) === family) this.tellFamily(struct, family, Number(protocol), type);
    }
    return 0;
  }

  private *unregisterFamily(info: Ptr): Sleepable<number> {
    const family = this.k.struct('xfrm_state_afinfo').get(info, 'family');
    if (family >= FAMILIES) return -EAFNOSUPPORT;
    if (this.families.get(family) !== 0 && !this.families.release(family, info)) return -EINVAL;
    yield* this.k.get(Rcu).synchronize();
    return 0;
  }

  private unregister(struct: string, type: Ptr, family: number): void {
    const key = this.key(struct, type, family);
    if (this.types.get(key) === type) {
      this.types.delete(key);
      this.tellFamily(struct, family, this.k.struct(struct).get(type, 'proto'), 0);
    } else
      warn(
        this.k,
        '',
        SOURCE,
        struct === 'xfrm_type' ? 'xfrm_unregister_type' : 'xfrm_unregister_type_offload',
      );
  }

  private key(struct: string, type: Ptr, family: number): string {
    return `${struct}/${family}/${this.k.struct(struct).get(type, 'proto')}`;
  }

  private *unregisterManager(manager: Ptr): Sleepable<number> {
    this.managers.del(manager);
    yield* this.k.get(Rcu).synchronize();
    return 0;
  }

  private registerInput(info: Ptr): number {
    const key = this.inputKey(info);
    if (this.inputs.has(key)) return -EEXIST;
    this.inputs.set(key, info);
    return 0;
  }

  private *unregisterInput(info: Ptr): Sleepable<number> {
    const key = this.inputKey(info);
    const known = this.inputs.get(key);
    if (known !== undefined && known !== info) return -EINVAL;
    this.inputs.delete(key);
    yield* this.k.get(Rcu).synchronize();
    return 0;
  }

  private inputKey(info: Ptr): string {
    const type = this.k.struct('xfrm_input_afinfo');
    return `${type.get(info, 'family')}/${type.has('is_ipip') ? type.get(info, 'is_ipip') : 0}`;
  }

  private *dropInterfaceCallback(): Sleepable<void> {
    this.interfaceCallback = 0;
    yield* this.k.get(Rcu).synchronize();
  }
}
