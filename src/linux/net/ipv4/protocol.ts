import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';
import { SlotTable } from '../core/slot-table.js';

const MAX_INET_PROTOS = 256;
/** Protocols that the kernel image handles itself: of IPv4 (ICMP, IGMP, TCP, UDP, UDP-Lite) and of IPv6. */
const BUILT_IN_IPV4 = [1, 2, 6, 17, 136];
const BUILT_IN_IPV6 = [6, 17, 43, 44, 58, 59, 60, 136];

/** Transport protocols over IP and their segmentation, by number (net/ipv4/protocol.c, net/ipv6/protocol.c). */
export class InetProtocols implements Subsystem {
  private readonly protocols: SlotTable;
  private readonly offloads: SlotTable;
  private readonly protocols6: SlotTable;
  private readonly offloads6: SlotTable;

  constructor(private readonly k: LinuxKernel) {
    this.protocols = new SlotTable(k, MAX_INET_PROTOS, 'inet_protos', 'IPv4 protocol');
    this.offloads = new SlotTable(k, MAX_INET_PROTOS, 'inet_offloads', 'IPv4 offload');
    this.protocols6 = new SlotTable(k, MAX_INET_PROTOS, 'inet6_protos', 'IPv6 protocol');
    this.offloads6 = new SlotTable(k, MAX_INET_PROTOS, 'inet6_offloads', 'IPv6 offload');
  }

  readonly exports = {
    inet_add_protocol: (handler: Ptr, number: number) => this.add(this.protocols, handler, number),
    inet_del_protocol: (handler: Ptr, number: number) => this.del(this.protocols, handler, number),
    inet_add_offload: (offload: Ptr, number: number) => this.add(this.offloads, offload, number),
    inet_del_offload: (offload: Ptr, number: number) => this.del(this.offloads, offload, number),
    inet6_add_protocol: (handler: Ptr, number: number) => this.add(this.protocols6, handler, number),
    inet6_del_protocol: (handler: Ptr, number: number) => this.del(this.protocols6, handler, number),
    inet6_add_offload: (offload: Ptr, number: number) => this.add(this.offloads6, offload, number),
    inet6_del_offload: (offload: Ptr, number: number) => this.del(this.offloads6, offload, number),
  };

  boot(): void {
    const own = this.k.permanent(this.k.sizeOf('net_protocol'));
    for (const number of BUILT_IN_IPV4) this.protocols.take(number, own);
    for (const number of BUILT_IN_IPV6) this.protocols6.take(number, own);
  }

  /** For xfrm, whose handlers share one entry of the table a protocol. */
  take(family: 4 | 6, number: number, handler: Ptr): boolean {
    return (family === 4 ? this.protocols : this.protocols6).take(number, handler);
  }

  release(family: 4 | 6, number: number, handler: Ptr): boolean {
    return (family === 4 ? this.protocols : this.protocols6).release(number, handler);
  }

  private add(table: SlotTable, entry: Ptr, number: number): number {
    return table.take(number, entry) ? 0 : -1;
  }

  private *del(table: SlotTable, entry: Ptr, number: number): Sleepable<number> {
    const released = table.release(number, entry);
    yield* this.k.get(Rcu).synchronize();
    return released ? 0 : -1;
  }
}
