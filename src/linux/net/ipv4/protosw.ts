import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EINVAL, EPERM } from '../../errno.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';
import { SOCK_MAX } from '../core/socket.js';

/** Flags of inet_protosw: the address may be used again; nobody may replace it; an inet_connection_sock. */
export const INET_PROTOSW_REUSE = 1;
const INET_PROTOSW_PERMANENT = 2;
export const INET_PROTOSW_ICSK = 4;

interface BuiltIn {
  readonly type: number;
  readonly protocol: number;
  readonly flags: number;
  /** Variables of the kernel image; ping and raw sockets are not implemented, and have none. */
  readonly prot?: string;
  readonly ops?: string;
}

/** Entries of the kernel image: TCP for streams, UDP for datagrams, ping, and raw sockets of any protocol. */
function builtIn(k: LinuxKernel, family: 4 | 6): readonly BuiltIn[] {
  const six = family === 6;
  return [
    {
      type: k.enumValue('SOCK_STREAM'),
      protocol: 6,
      flags: INET_PROTOSW_PERMANENT | INET_PROTOSW_ICSK,
      prot: six ? 'tcpv6_prot' : 'tcp_prot',
      ops: six ? 'inet6_stream_ops' : 'inet_stream_ops',
    },
    {
      type: k.enumValue('SOCK_DGRAM'),
      protocol: 17,
      flags: INET_PROTOSW_PERMANENT,
      prot: six ? 'udpv6_prot' : 'udp_prot',
      ops: six ? 'inet6_dgram_ops' : 'inet_dgram_ops',
    },
    { type: k.enumValue('SOCK_DGRAM'), protocol: six ? 58 : 1, flags: INET_PROTOSW_REUSE },
    { type: k.enumValue('SOCK_RAW'), protocol: 0, flags: INET_PROTOSW_REUSE },
  ];
}

/** Which protocol serves which type of socket of PF_INET and PF_INET6 (net/ipv4/af_inet.c, net/ipv6/af_inet6.c). */
export class InetSwitch implements Subsystem {
  private inet: Ptr = 0;
  private inet6: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_register_protosw: (entry: Ptr) => void this.register(this.inet, entry, ''),
    inet_unregister_protosw: (entry: Ptr) => this.unregister(entry),
    inet6_register_protosw: (entry: Ptr) => this.register(this.inet6, entry, 'IPv6: '),
    inet6_unregister_protosw: (entry: Ptr) => this.unregister(entry),
  };

  *holds(): Generator<Holding> {
    const what = { kind: 'internet socket type', struct: 'inet_protosw', uses: ['prot', 'ops'] };
    for (const table of [this.inet, this.inet6])
      for (let type = 0; type < SOCK_MAX; type++)
        yield* heldStructs(this.k, what, listedStructs(this.k, 'inet_protosw', 'list', table + type * 16));
  }

  boot(): void {
    this.inet = this.table(4);
    this.inet6 = this.table(6);
  }

  /** The entries of a socket type, those of the kernel image first. */
  *entries(family: 4 | 6, type: number): Generator<Ptr> {
    const head = (family === 4 ? this.inet : this.inet6) + type * 16;
    for (const node of list.entries(this.k.space, head)) yield this.entry.of(node, 'list');
  }

  private table(family: 4 | 6): Ptr {
    const { k } = this;
    const heads = k.permanent(SOCK_MAX * 16);
    for (let type = 0; type < SOCK_MAX; type++) list.init(k.space, heads + type * 16);
    for (const { type, protocol, flags, prot, ops } of builtIn(k, family)) {
      const entry = k.permanent(this.entry.size);
      this.entry.set(entry, 'type', type);
      this.entry.set(entry, 'protocol', protocol);
      this.entry.set(entry, 'flags', flags);
      if (prot !== undefined && k.hasSymbol(prot)) this.entry.set(entry, 'prot', k.symbol(prot));
      if (ops !== undefined && k.hasSymbol(ops)) this.entry.set(entry, 'ops', k.symbol(ops));
      list.addTail(k.space, this.entry.addr(entry, 'list'), heads + type * 16);
    }
    return heads;
  }

  /** A new entry goes behind the permanent ones, none of which it may replace. */
  private register(table: Ptr, entry: Ptr, prefix: string): number {
    const { k } = this;
    const type = this.entry.get(entry, 'type');
    if (type >= SOCK_MAX) {
      k.log.line(`${prefix}Ignoring attempt to register invalid socket type ${type}`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    const protocol = this.entry.get(entry, 'protocol');
    let last = table + type * 16;
    for (const node of list.entries(k.space, table + type * 16)) {
      const known = this.entry.of(node, 'list');
      if ((this.entry.get(known, 'flags') & INET_PROTOSW_PERMANENT) === 0) break;
      if (this.entry.get(known, 'protocol') === protocol) {
        k.log.line(`${prefix}Attempt to override permanent protocol ${protocol}`, LOGLEVEL_ERR);
        return -EPERM;
      }
      last = node;
    }
    this.k.origins.note(entry);
    list.add(k.space, this.entry.addr(entry, 'list'), last);
    return 0;
  }

  private *unregister(entry: Ptr): Sleepable<void> {
    const { k } = this;
    if (this.entry.get(entry, 'flags') & INET_PROTOSW_PERMANENT) {
      const protocol = this.entry.get(entry, 'protocol');
      k.log.line(`Attempt to unregister permanent protocol ${protocol}`, LOGLEVEL_ERR);
      return;
    }
    list.del(k.space, this.entry.addr(entry, 'list'));
    yield* k.get(Rcu).synchronize();
  }

  private get entry() {
    return this.k.struct('inet_protosw');
  }
}
