import { list } from '../abi/list.js';
import type { NativeSubsystem } from './subsystem.js';

/** net/ipv6: routes, addresses, ICMPv6 and what is sent. */
const IPV6 =
  /^(icmp6_send|icmpv6_ndo_send|_*(br_|nf_)?ip6_(append_data|del_rt|dst|err_gen|flush_pending|fragment|input|local_out|mtu|output|pol_route|push_pending|redirect|route|update_pmtu|xmit)\w*|rt6_lookup|ipv6_(chk|dev|mc_check)_\w+|inet6_csk_\w+|fib6_\w+|addrconf_\w+|ndisc_\w+|ipv6_sock_mc_\w+|_*sk_dst_check)$/;

/** Sockets with packets that are not sent on yet, a list for each processor that xsk_init() begins. */
const REDIRECTED = 'xskmap_flush_list';

const INET =
  /^(sock_(recv|send)msg|_*sk_receive_skb|_*tcp_(abort|parse_options|read_done|read_sock|recv_skb|send_ack|sock_set_quickack|stream_memory_free)|(udp|udpv6|inet|inet6)_(recv|send)msg|tcp_recvmsg|sk_stream_wait_memory|ip_sock_set_tos|kernel_sock_ip_overhead)$/;

/** The network stack, each with a scenario in the tests beside this. */
export const NET_SUBSYSTEMS: readonly NativeSubsystem[] = [
  {
    // net/core/devlink.c
    name: 'devlink',
    functions: /^devl(ink)?_/,
    init: ['devlink_init'],
    shares: ['device', 'net', 'net_device', 'sk_buff', 'task_struct'],
  },
  {
    // net/ipv4: routes, neighbours, fragments, IPv4's part of a namespace. Sockets and protocol numbers are TypeScript's.
    name: 'ip',
    functions:
      /^_*(p?neigh_(?!proc_)|arp_|devinet_|ip_(?!sock_set|compute_)|ip4_|ipv4_|fib_|rt_dst_|inet_(addr|select|dev|confirm|getpeer|recv_error|peer|rtm|frag|csk_(route|update)|sk_(rebuild|get_local)|get_local|ioctl)|icmp_|nexthop_|nf_(ip_route|route|reinject)$|raw_v[46]_match$|inetdev_|lwtunnel_(input|output|xmit)|iptunnel_xmit|skb_tunnel_check)/,
    init: [
      'fib_notifier_init',
      'neigh_init',
      'fib_rules_init',
      'arp_init',
      'ip_init',
      'tcp_v4_init',
      'raw_init',
      'ping_init',
      'icmp_init',
      'ipfrag_init',
    ],
    pernet: ['af_inet_ops'],
    replaces: /^inet_addr_type$/,
    asBuilt: ['xfrm_state_cache', 'xfrm_dst_cache'],
    shares: ['net', 'net_device', 'sk_buff', 'sock', 'socket', 'task_struct'],
  },
  {
    // net/core/gso.c and gro.c: the protocols that segment and merge packets, as a boot registers them.
    name: 'offload',
    only: 'offload_base',
    functions:
      /^(gro_find_(complete|receive)_by_type|(__)?skb_(mac_|eth_)?gso_segment|skb_udp_tunnel_segment)$/,
    init: ['eth_offload_init', 'ipv4_offload_init', 'ipv6_offload_init'],
    shares: ['sk_buff', 'task_struct'],
  },
  {
    // net/ipv6: what is kept of devices. They never get addresses: their links are not ready while TypeScript has no queues for them.
    name: 'ipv6',
    functions: IPV6,
    needs: ['ip'],
    pernet: ['inet6_net_ops'],
    init: [
      'blackhole_netdev_init',
      'ip6_mr_init',
      'icmpv6_init',
      'ndisc_init',
      'igmp6_init',
      'ipv6_misc_proc_init',
      'ip6_route_init',
      'ndisc_late_init',
      'addrconf_init',
      'ipv6_frag_init',
    ],
    shares: ['net', 'net_device', 'sk_buff', 'sock', 'task_struct'],
  },
  {
    // net/core/skbuff.c, the parts that know sockets and pieces of pages.
    name: 'sk_buff',
    functions: /^(_*pskb_trim(_rcsum_slow)?|napi_build_skb|__(napi|netdev)_alloc_frag_align)$/,
    init: [],
    shares: ['sk_buff', 'napi_struct', 'task_struct'],
  },
  {
    // net/core/filter.c: where a program sends a packet to, if that is another device, processor or socket.
    name: 'xdp',
    // Later kernels have the lists in what the running task has of programs, which TypeScript's softirqs do not give it.
    only: REDIRECTED,
    functions: /^xdp_do_(flush|redirect(_frame)?)$/,
    stands: /^xsk_init$/,
    init: ['dev_map_init', 'cpu_map_init'],
    asBuilt: [REDIRECTED],
    glue: (k) => {
      const head = k.addressOfNative(REDIRECTED);
      if (head !== undefined) list.init(k.space, k.percpu.deref(head));
    },
    shares: ['net_device', 'sk_buff', 'task_struct'],
  },
  {
    // net/core/netpoll.c
    name: 'netpoll',
    functions: /^_*netpoll_/,
    needs: ['ipv6'],
    init: ['netpoll_init'],
    shares: ['net', 'net_device', 'sk_buff', 'task_struct'],
  },
  {
    // net/socket.c, net/ipv4 and net/ipv6: what sockets of TCP and UDP send, receive, and are found by. TypeScript makes them.
    name: 'inet',
    functions: INET,
    needs: ['ipv6'],
    init: ['pingv6_init'],
    shares: ['iov_iter', 'msghdr', 'net', 'net_device', 'sk_buff', 'sock', 'socket', 'task_struct'],
  },
  {
    // net/sched: actions, filters and queueing disciplines. Their kinds, and the work of filters that go, are TypeScript's.
    name: 'traffic-control',
    functions:
      /^(tcf_(action|block|chain|em_tree|exts|generic|get|idr|idrinfo|qevent)_|tcf_police|(qdisc|fifo)_create_dflt$|dev_(de)?activate$)/,
    init: [],
    replaces: /^tcf_idrinfo_destroy$/,
    shares: ['net', 'net_device', 'sk_buff', 'task_struct'],
  },
];
