import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_CRIT, LOGLEVEL_INFO } from '../../../kernel/log.js';
import { EEXIST, ENOBUFS } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

/** Names of protocol families by number, as the kernel's log gives them (include/linux/socket.h, PF_*). */
const FAMILY_NAMES =
  'UNSPEC UNIX INET AX25 IPX APPLETALK NETROM BRIDGE ATMPVC X25 INET6 ROSE DECnet NETBEUI SECURITY KEY ' +
  'NETLINK/PF_ROUTE PACKET ASH ECONET ATMSVC RDS SNA IRDA PPPOX WANPIPE LLC IB MPLS CAN TIPC BLUETOOTH IUCV ' +
  'RXRPC ISDN PHONET IEEE802154 CAIF ALG NFC VSOCK KCM QIPCRTR SMC XDP MCTP';
const NAMES: readonly string[] = FAMILY_NAMES.split(' ').map((name) => `PF_${name}`);

/** Protocol families that socket(2) knows (net/socket.c). */
export class ProtocolFamilies implements Subsystem {
  private readonly families = new Map<number, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sock_register: (ops: Ptr) => this.register(ops),
    sock_unregister: (family: number) => this.unregister(family),
    sock_is_registered: (family: number) => this.families.has(family) || this.builtIn(family),
  };

  holds(): Iterable<Holding> {
    const what = { kind: 'protocol family', struct: 'net_proto_family', uses: ['create'] };
    return heldStructs(this.k, what, this.families.values());
  }

  /** struct net_proto_family of a family that a module registered. */
  family(number: number): Ptr {
    return this.families.get(number) ?? 0;
  }

  private register(ops: Ptr): number {
    const { k } = this;
    const family = k.struct('net_proto_family').get(ops, 'family');
    if (family >= NAMES.length || family < 0) {
      k.log.line(`NET: protocol ${family} >= NPROTO(${NAMES.length})`, LOGLEVEL_CRIT);
      return -ENOBUFS;
    }
    if (this.families.has(family) || this.builtIn(family)) return -EEXIST;
    this.k.origins.note(ops);
    this.families.set(family, ops);
    k.log.line(`NET: Registered ${NAMES[family]} protocol family`, LOGLEVEL_INFO);
    return 0;
  }

  private *unregister(family: number): Sleepable<void> {
    const { k } = this;
    if (family < 0 || family >= NAMES.length) {
      warn(k, '', 'net/socket.c', 'sock_unregister');
      return;
    }
    this.families.delete(family);
    yield* k.get(Rcu).synchronize();
    k.log.line(`NET: Unregistered ${NAMES[family]} protocol family`, LOGLEVEL_INFO);
  }

  /** Families that are part of the kernel image by its configuration. */
  private builtIn(family: number): boolean {
    const option = BUILT_IN[NAMES[family] ?? ''];
    return option !== undefined && (option === '' || this.k.target.config.get(option) === 'y');
  }
}

const BUILT_IN: Readonly<Record<string, string>> = {
  PF_UNIX: 'CONFIG_UNIX',
  PF_INET: 'CONFIG_INET',
  PF_INET6: 'CONFIG_IPV6',
  PF_PACKET: 'CONFIG_PACKET',
  'PF_NETLINK/PF_ROUTE': '',
  PF_XDP: 'CONFIG_XDP_SOCKETS',
};
