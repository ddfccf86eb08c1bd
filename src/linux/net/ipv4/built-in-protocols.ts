import type { Ptr } from '../../../cpu/layout.js';
import { AF_INET, AF_INET6 } from '../../abi/socket.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SocketProtocols } from '../core/protocols.js';

/** Members of an operations table and the functions of the kernel image that they point to. */
type Functions = Readonly<Record<string, string>>;

interface BuiltIn {
  readonly symbol: string;
  readonly name: string;
  /** The struct that its sockets are. */
  readonly sock: string;
  /** Member of that struct with the IPv6 part. */
  readonly ipv6?: string;
  /** Where its sockets are looked up; kernels with tables of a namespace's own have none here. */
  readonly table: { readonly member: string; readonly symbol: string };
  readonly functions: Functions;
  /** Variables of memory accounting. */
  readonly accounting: Functions;
}

/**
 * TCP and UDP as other parts of the kernel see them: struct proto and struct proto_ops, with the functions that the
 * kernel image has in them (net/ipv4/tcp_ipv4.c, udp.c, af_inet.c and their IPv6 counterparts). Functions that are
 * not implemented are there as well, and are reported by name when something calls them.
 */
export class BuiltInInetProtocols implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  /** TypeScript's sockets are in no table: it is as the target begins it. */
  readonly keeps = ['tcp_hashinfo'];

  readonly data = {
    ...Object.fromEntries(
      PROTOCOLS.map((protocol) => [protocol.symbol, (at: Ptr) => this.fillProtocol(at, protocol)]),
    ),
    ...Object.fromEntries(
      Object.entries(OPERATIONS).map(([symbol, { family, functions }]) => [
        symbol,
        (at: Ptr) => {
          this.k.struct('proto_ops').set(at, 'family', family);
          this.fill('proto_ops', at, functions);
        },
      ]),
    ),
  };

  boot(): void {
    const { k } = this;
    for (const { symbol } of PROTOCOLS)
      if (k.hasSymbol(symbol)) k.get(SocketProtocols).exports.proto_register(k.symbol(symbol), 1);
  }

  private fillProtocol(at: Ptr, protocol: BuiltIn): void {
    const { k } = this;
    const type = k.struct('proto');
    const sock = k.struct(protocol.sock);
    type.setText(at, 'name', protocol.name);
    type.set(at, 'obj_size', sock.size);
    if (protocol.ipv6 !== undefined && type.has('ipv6_pinfo_offset'))
      type.set(at, 'ipv6_pinfo_offset', sock.offsetOf(protocol.ipv6));
    const { member, symbol } = protocol.table;
    if (k.hasSymbol(symbol)) type.set(at, member, k.symbol(symbol));
    for (const [field, variable] of Object.entries(protocol.accounting))
      if (type.has(field) && k.hasSymbol(variable)) type.set(at, field, k.symbol(variable));
    this.fill('proto', at, protocol.functions);
  }

  private fill(table: string, at: Ptr, functions: Functions): void {
    const { k } = this;
    const type = k.struct(table);
    for (const [field, fn] of Object.entries(functions))
      if (type.has(field) && k.hasSymbol(fn)) type.set(at, field, k.fn(fn));
  }
}

const TCP_ACCOUNTING: Functions = {
  memory_allocated: 'tcp_memory_allocated',
  per_cpu_fw_alloc: 'tcp_memory_per_cpu_fw_alloc',
  sockets_allocated: 'tcp_sockets_allocated',
  memory_pressure: 'tcp_memory_pressure',
  sysctl_mem: 'sysctl_tcp_mem',
};

const UDP_ACCOUNTING: Functions = {
  memory_allocated: 'udp_memory_allocated',
  per_cpu_fw_alloc: 'udp_memory_per_cpu_fw_alloc',
  sysctl_mem: 'sysctl_udp_mem',
};

const TCP: Functions = {
  close: 'tcp_close',
  disconnect: 'tcp_disconnect',
  accept: 'inet_csk_accept',
  ioctl: 'tcp_ioctl',
  shutdown: 'tcp_shutdown',
  setsockopt: 'tcp_setsockopt',
  getsockopt: 'tcp_getsockopt',
  keepalive: 'tcp_set_keepalive',
  recvmsg: 'tcp_recvmsg',
  sendmsg: 'tcp_sendmsg',
  sendpage: 'tcp_sendpage',
  release_cb: 'tcp_release_cb',
  unhash: 'inet_unhash',
  get_port: 'inet_csk_get_port',
  enter_memory_pressure: 'tcp_enter_memory_pressure',
  leave_memory_pressure: 'tcp_leave_memory_pressure',
  stream_memory_free: 'tcp_stream_memory_free',
};

const UDP: Functions = {
  close: 'udp_lib_close',
  disconnect: 'udp_disconnect',
  ioctl: 'udp_ioctl',
  unhash: 'udp_lib_unhash',
  sendpage: 'udp_sendpage',
};

const PROTOCOLS: readonly BuiltIn[] = [
  {
    symbol: 'tcp_prot',
    name: 'TCP',
    sock: 'tcp_sock',
    table: { member: 'h.hashinfo', symbol: 'tcp_hashinfo' },
    functions: {
      ...TCP,
      connect: 'tcp_v4_connect',
      init: 'tcp_v4_init_sock',
      destroy: 'tcp_v4_destroy_sock',
      backlog_rcv: 'tcp_v4_do_rcv',
      hash: 'inet_hash',
    },
    accounting: TCP_ACCOUNTING,
  },
  {
    symbol: 'tcpv6_prot',
    name: 'TCPv6',
    sock: 'tcp6_sock',
    ipv6: 'inet6',
    table: { member: 'h.hashinfo', symbol: 'tcp_hashinfo' },
    functions: {
      ...TCP,
      connect: 'tcp_v6_connect',
      init: 'tcp_v6_init_sock',
      destroy: 'tcp_v4_destroy_sock',
      backlog_rcv: 'tcp_v6_do_rcv',
      hash: 'inet6_hash',
    },
    accounting: TCP_ACCOUNTING,
  },
  {
    symbol: 'udp_prot',
    name: 'UDP',
    sock: 'udp_sock',
    table: { member: 'h.udp_table', symbol: 'udp_table' },
    functions: {
      ...UDP,
      connect: 'ip4_datagram_connect',
      init: 'udp_init_sock',
      destroy: 'udp_destroy_sock',
      setsockopt: 'udp_setsockopt',
      getsockopt: 'udp_getsockopt',
      sendmsg: 'udp_sendmsg',
      recvmsg: 'udp_recvmsg',
      release_cb: 'ip4_datagram_release_cb',
      get_port: 'udp_v4_get_port',
    },
    accounting: UDP_ACCOUNTING,
  },
  {
    symbol: 'udpv6_prot',
    name: 'UDPv6',
    sock: 'udp6_sock',
    ipv6: 'inet6',
    table: { member: 'h.udp_table', symbol: 'udp_table' },
    functions: {
      ...UDP,
      connect: 'ip6_datagram_connect',
      init: 'udpv6_init_sock',
      destroy: 'udpv6_destroy_sock',
      setsockopt: 'udpv6_setsockopt',
      getsockopt: 'udpv6_getsockopt',
      sendmsg: 'udpv6_sendmsg',
      recvmsg: 'udpv6_recvmsg',
      release_cb: 'ip6_datagram_release_cb',
      get_port: 'udp_v6_get_port',
    },
    accounting: UDP_ACCOUNTING,
  },
];

const COMMON: Functions = {
  shutdown: 'inet_shutdown',
  setsockopt: 'sock_common_setsockopt',
  getsockopt: 'sock_common_getsockopt',
  gettstamp: 'sock_gettstamp',
};
const IPV4: Functions = {
  release: 'inet_release',
  bind: 'inet_bind',
  getname: 'inet_getname',
  ioctl: 'inet_ioctl',
  sendmsg: 'inet_sendmsg',
  recvmsg: 'inet_recvmsg',
};
const IPV6: Functions = {
  release: 'inet6_release',
  bind: 'inet6_bind',
  getname: 'inet6_getname',
  ioctl: 'inet6_ioctl',
  sendmsg: 'inet6_sendmsg',
  recvmsg: 'inet6_recvmsg',
};
const STREAM: Functions = {
  connect: 'inet_stream_connect',
  socketpair: 'sock_no_socketpair',
  accept: 'inet_accept',
  poll: 'tcp_poll',
  listen: 'inet_listen',
  splice_read: 'tcp_splice_read',
  sendpage: 'inet_sendpage',
  set_rcvlowat: 'tcp_set_rcvlowat',
};
const DATAGRAM: Functions = {
  connect: 'inet_dgram_connect',
  socketpair: 'sock_no_socketpair',
  accept: 'sock_no_accept',
  poll: 'udp_poll',
  listen: 'sock_no_listen',
  mmap: 'sock_no_mmap',
};

const OPERATIONS: Readonly<Record<string, { readonly family: number; readonly functions: Functions }>> = {
  inet_stream_ops: { family: AF_INET, functions: { ...COMMON, ...STREAM, ...IPV4 } },
  inet6_stream_ops: { family: AF_INET6, functions: { ...COMMON, ...STREAM, ...IPV6 } },
  inet_dgram_ops: { family: AF_INET, functions: { ...COMMON, ...DATAGRAM, ...IPV4 } },
  inet6_dgram_ops: { family: AF_INET6, functions: { ...COMMON, ...DATAGRAM, ...IPV6 } },
};
