import { slabFlag } from '../../abi/slab-flags.js';
import type { LinuxKernel } from '../../kernel.js';
import { SlabExports } from '../../mm/slab.js';
import type { Subsystem } from '../../subsystem.js';

/** Extensions are laid out in such units (SKB_EXT_ALIGN_VALUE). */
const UNIT = 8;
/** enum skb_ext_id: which a kernel has is a matter of its configuration. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  SKB_EXT_BRIDGE_NF: 'nf_bridge_info',
  SKB_EXT_SEC_PATH: 'sec_path',
  TC_SKB_EXT: 'tc_skb_ext',
  SKB_EXT_MPTCP: 'mptcp_ext',
  SKB_EXT_MCTP: 'mctp_flow',
};

/** Where extensions of packet buffers come from (skb_extensions_init(), net/core/skbuff.c): what adds and drops them is native. */
export class SkbExtensions implements Subsystem {
  readonly keeps = ['skbuff_ext_cache'];

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    if (!k.hasSymbol('skbuff_ext_cache') || !k.types.findType('struct skb_ext')) return;
    const { kmem_cache_create: create } = k.get(SlabExports).exports;
    const name = k.constantString('skbuff_ext_cache');
    const cache = create(name, this.mostUnits() * UNIT, 0, slabFlag(k, 'HWCACHE_ALIGN'), 0);
    k.space.storePtr(k.symbol('skbuff_ext_cache'), cache);
  }

  /** skb_ext_total_length(): a packet with all extensions there are. */
  private mostUnits(): number {
    const { k } = this;
    const known = k.types.enumValues('skb_ext_id');
    const structs = Object.entries(EXTENSIONS).flatMap(([id, struct]) => (known.has(id) ? [struct] : []));
    return ['skb_ext', ...structs].reduce((sum, struct) => sum + Math.ceil(k.sizeOf(struct) / UNIT), 0);
  }
}
