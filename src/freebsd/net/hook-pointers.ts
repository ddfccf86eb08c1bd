import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Pointers to functions of the kernel's that modules fill, and that are NULL while nobody has. */
const NULL_POINTERS = [
  'bridge_dn_p',
  'carp_attach_p',
  'carp_demote_adj_p',
  'carp_detach_p',
  'carp_forus_p',
  'carp_get_vhid_p',
  'carp_iamatch_p',
  'carp_iamatch6_p',
  'carp_ioctl_p',
  'carp_linkstate_p',
  'carp_macmatch6_p',
  'carp_master_p',
  'carp_output_p',
  'ip6_mforward',
  'ip6_mrouter_done',
  'ip6_mrouter_get',
  'ip6_mrouter_set',
  'ip_divert_ptr',
  'ip_dn_ctl_ptr',
  'ip_dn_io_ptr',
  'ip_mcast_src',
  'ip_mforward',
  'ip_mrouter_done',
  'ip_mrouter_get',
  'ip_mrouter_set',
  'ip_rsvp_force_done',
  'ip_rsvp_vif',
  'lagg_input_ethernet_p',
  'lagg_input_infiniband_p',
  'lagg_linkstate_p',
  'legal_vif_num',
  'linux_netlink_p',
  'mrt6_ioctl',
  'mrt_ioctl',
  'netlink_callback_p',
  'ng_ether_attach_p',
  'ng_ether_detach_p',
  'ng_ether_input_orphan_p',
  'ng_ether_input_p',
  'ng_ether_link_state_p',
  'ng_ether_output_p',
  'ng_gif_output_p',
  'ng_ipfw_input_p',
  'rsvp_input_p',
  'send_sendso_input_hook',
  'tbr_dequeue_ptr',
  'tcp_hpts_softclock',
  'tcp_lro_flush_tcphpts',
  'vlan_cookie_p',
  'vlan_devat_p',
  'vlan_input_p',
  'vlan_link_state_p',
  'vlan_pcp_p',
  'vlan_setcookie_p',
  'vlan_tag_p',
  'vlan_trunk_cap_p',
  'vlan_trunkdev_p',
] as const;
const HOOK_POINTER_BYTES = 8;

/** Where one part of the network calls another that is a module: bridge, lagg, vlan, dummynet, netgraph, multicast routing. */
export class HookPointers implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  readonly data = Object.fromEntries(NULL_POINTERS.map((name) => [name, () => {}]));

  /** The function that a module has put there: 0 for none. */
  get(name: (typeof NULL_POINTERS)[number]): Ptr {
    return this.k.space.loadPtr(this.k.variable(name, HOOK_POINTER_BYTES));
  }
}
