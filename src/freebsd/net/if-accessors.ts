import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import { Counters } from '../kern/counter.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Functions that give back a member of struct ifnet as it is. */
const GETTERS: Readonly<Record<string, string>> = {
  if_getaddrlen: 'if_addrlen',
  if_getalloctype: 'if_alloctype',
  if_getbpf: 'if_bpf',
  if_getbroadcastaddr: 'if_broadcastaddr',
  if_getcapabilities: 'if_capabilities',
  if_getcapabilities2: 'if_capabilities2',
  if_getcapenable: 'if_capenable',
  if_getcapenable2: 'if_capenable2',
  if_getdescr: 'if_description',
  if_getdname: 'if_dname',
  if_getdrvflags: 'if_drv_flags',
  if_getdunit: 'if_dunit',
  if_getfib: 'if_fib',
  if_getflags: 'if_flags',
  if_gethwtsomax: 'if_hw_tsomax',
  if_gethwtsomaxsegcount: 'if_hw_tsomaxsegcount',
  if_gethwtsomaxsegsize: 'if_hw_tsomaxsegsize',
  if_getidxgen: 'if_idxgen',
  if_getifaddr: 'if_addr',
  if_getindex: 'if_index',
  if_getinputfn: 'if_input',
  if_getl2com: 'if_l2com',
  if_getlinkstate: 'if_link_state',
  if_getllsoftc: 'if_llsoftc',
  if_getmaclabel: 'if_label',
  if_getmtu: 'if_mtu',
  if_getnetmapadapter: 'if_netmap',
  if_getnumadomain: 'if_numa_domain',
  if_getpcp: 'if_pcp',
  if_getsoftc: 'if_softc',
  if_getstartfn: 'if_start',
  if_gettransmitfn: 'if_transmit',
  if_gettype: 'if_type',
  if_getvlantrunk: 'if_vlantrunk',
  if_getvnet: 'if_vnet',
};

/** Functions that set one; those that give back a number give 0. */
const SETTERS: Readonly<Record<string, string>> = {
  if_setbroadcastaddr: 'if_broadcastaddr',
  if_setcapabilities: 'if_capabilities',
  if_setcapabilities2: 'if_capabilities2',
  if_setcapenable: 'if_capenable',
  if_setcapenable2: 'if_capenable2',
  if_setdebugnet_methods: 'if_debugnet_methods',
  if_setdname: 'if_dname',
  if_setdrvflags: 'if_drv_flags',
  if_setflags: 'if_flags',
  if_setgetcounterfn: 'if_get_counter',
  if_sethwtsomax: 'if_hw_tsomax',
  if_sethwtsomaxsegcount: 'if_hw_tsomaxsegcount',
  if_sethwtsomaxsegsize: 'if_hw_tsomaxsegsize',
  if_setifheaderlen: 'if_hdrlen',
  if_setinitfn: 'if_init',
  if_setinputfn: 'if_input',
  if_setioctlfn: 'if_ioctl',
  if_setllsoftc: 'if_llsoftc',
  if_setmaclabel: 'if_label',
  if_setmtu: 'if_mtu',
  if_setnetmapadapter: 'if_netmap',
  if_setoutputfn: 'if_output',
  if_setqflushfn: 'if_qflush',
  if_setratelimitqueryfn: 'if_ratelimit_query',
  if_setreassignfn: 'if_reassign',
  if_setsndtagallocfn: 'if_snd_tag_alloc',
  if_setsoftc: 'if_softc',
  if_setstartfn: 'if_start',
  if_settransmitfn: 'if_transmit',
};

/** Functions that set and clear bits of one. */
const BITS: Readonly<Record<string, string>> = {
  if_setcapabilities2bit: 'if_capabilities2',
  if_setcapabilitiesbit: 'if_capabilities',
  if_setcapenable2bit: 'if_capenable2',
  if_setcapenablebit: 'if_capenable',
  if_setdrvflagbits: 'if_drv_flags',
  if_setflagbits: 'if_flags',
  if_sethwassistbits: 'if_hwassist',
};

const TOGGLES: Readonly<Record<string, string>> = {
  if_togglecapenable: 'if_capenable',
  if_togglecapenable2: 'if_capenable2',
  if_togglehwassist: 'if_hwassist',
};

/** What of drivers reads and writes struct ifnet, which they do not see into (sys/net/if.c, below "KPI"). */
export class IfAccessors implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  private get type() {
    return this.k.struct('ifnet');
  }

  readonly exports = {
    ...Object.fromEntries(
      Object.entries(GETTERS).map(([name, member]) => [name, (ifp: Ptr) => this.type.get(ifp, member)]),
    ),
    ...Object.fromEntries(
      Object.entries(SETTERS).map(([name, member]) => [
        name,
        (ifp: Ptr, value: number) => this.set(ifp, member, value),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(BITS).map(([name, member]) => [
        name,
        (ifp: Ptr, set: number, clear: number) =>
          this.set(ifp, member, (this.type.get(ifp, member) | set) & ~clear),
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(TOGGLES).map(([name, member]) => [
        name,
        (ifp: Ptr, bits: number) => this.set(ifp, member, this.type.get(ifp, member) ^ bits),
      ]),
    ),
    if_gethwassist: (ifp: Ptr) => this.type.get(ifp, 'if_hwassist'),
    if_sethwassist: (ifp: Ptr, bits: number) => this.set(ifp, 'if_hwassist', bits),
    if_clearhwassist: (ifp: Ptr) => this.set(ifp, 'if_hwassist', 0),
    if_name: (ifp: Ptr) => this.type.addr(ifp, 'if_xname'),
    if_setname: (ifp: Ptr, name: Ptr) => {
      this.type.setText(ifp, 'if_xname', this.k.space.cstring(name));
      return 0;
    },
    if_setdev: constant(0),
    if_getafdata: (ifp: Ptr, family: number) =>
      this.k.space.loadPtr(this.type.addr(ifp, 'if_afdata') + 8 * family),
    if_getlladdr: (ifp: Ptr) => this.linkAddress(ifp),
    if_vlantrunkinuse: (ifp: Ptr) => Number(this.type.get(ifp, 'if_vlantrunk') !== 0),
    if_altq_is_enabled: constant(0),
    if_getbaudrate: (ifp: Ptr) => this.type.getBig(ifp, 'if_baudrate'),
    if_setbaudrate: (ifp: Ptr, rate: bigint) => {
      const old = this.type.getBig(ifp, 'if_baudrate');
      this.type.setBig(ifp, 'if_baudrate', rate);
      return old;
    },
    if_inc_counter: (ifp: Ptr, counter: number, count: bigint) =>
      this.k.get(Counters).add(this.counter(ifp, counter), count),
    if_get_counter_default: (ifp: Ptr, counter: number) =>
      this.k.get(Counters).fetch(this.counter(ifp, counter)),
    if_setrcvif: (mbuf: Ptr, ifp: Ptr) => this.k.struct('mbuf').set(mbuf, 'm_pkthdr.rcvif', ifp),
    if_setvtag: (mbuf: Ptr, tag: number) => this.k.struct('mbuf').set(mbuf, 'm_pkthdr.ether_vtag', tag),
    if_getvtag: (mbuf: Ptr) => this.k.struct('mbuf').get(mbuf, 'm_pkthdr.ether_vtag'),
  };

  readonly signatures = {
    if_getbaudrate: 'Q:p',
    if_setbaudrate: 'Q:pQ',
    if_inc_counter: 'v:piq',
    if_get_counter_default: 'Q:pi',
  };

  private set(ifp: Ptr, member: string, value: number): number {
    const { size } = this.type.member(member);
    this.type.set(ifp, member, size === 4 ? value >>> 0 : value);
    return 0;
  }

  private counter(ifp: Ptr, index: number): bigint {
    return this.k.space.load64(this.type.addr(ifp, 'if_counters') + 8 * index);
  }

  /** IF_LLADDR(): 0 of one without a link-level address. */
  linkAddress(ifp: Ptr): Ptr {
    const ifa = this.type.get(ifp, 'if_addr');
    if (ifa === 0) return 0;
    return linkBytes(this.k, this.k.struct('ifaddr').get(ifa, 'ifa_addr'));
  }
}

/** LLADDR(): where a struct sockaddr_dl has the address, behind the name. */
export function linkBytes(k: FreebsdKernel, sdl: Ptr): Ptr {
  const type = k.struct('sockaddr_dl');
  return type.addr(sdl, 'sdl_data') + type.get(sdl, 'sdl_nlen');
}
