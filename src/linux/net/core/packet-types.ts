import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { GuestList } from '../../abi/guest-list.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';

const PACKET_TYPE = { kind: 'packet type', uses: ['func'] } as const;
/** ETH_P_ALL in network order: handlers that see every packet. */
const ETH_P_ALL_NET = 0x0300;

/** Who gets received packets, by protocol, and how they are segmented (net/core/dev.c, net/core/gro.c). */
export class PacketTypes implements Subsystem {
  private readonly all: GuestList;
  private readonly byProtocol: GuestList;
  private readonly offloads: GuestList;
  readonly keeps = ['ptype_all', 'offload_base'];

  constructor(private readonly k: LinuxKernel) {
    this.all = new GuestList(k, 'packet_type', 'list', 'ptype_all', PACKET_TYPE);
    this.byProtocol = new GuestList(k, 'packet_type', 'list', '', PACKET_TYPE);
    this.offloads = new GuestList(k, 'packet_offload', 'list', 'offload_base', { kind: 'packet offload' });
  }

  readonly exports = {
    dev_add_pack: (handler: Ptr) => this.listOf(handler).add(handler),
    __dev_remove_pack: (handler: Ptr) => this.remove(handler),
    dev_remove_pack: (handler: Ptr) => this.removeAndWait(handler),
    dev_add_offload: (offload: Ptr) => this.addOffload(offload),
    dev_remove_offload: (offload: Ptr) => this.removeOffload(offload),
  };

  /** The handlers of every packet of a device. */
  taps(dev: Ptr): Ptr[] {
    return [...this.all].filter((handler) => this.isFor(handler, [dev], false));
  }

  /** The handlers of a protocol (in network order) on some devices; `exact`: only those that name one. */
  of(protocol: number, devices: readonly Ptr[], exact: boolean): Ptr[] {
    const type = this.k.struct('packet_type');
    return [...this.byProtocol].filter(
      (handler) => type.get(handler, 'type') === protocol && this.isFor(handler, devices, exact),
    );
  }

  private isFor(handler: Ptr, devices: readonly Ptr[], exact: boolean): boolean {
    const dev = this.k.struct('packet_type').get(handler, 'dev');
    return dev === 0 ? !exact : devices.includes(dev);
  }

  private listOf(handler: Ptr): GuestList {
    const everything = this.k.struct('packet_type').get(handler, 'type') === ETH_P_ALL_NET;
    return everything ? this.all : this.byProtocol;
  }

  private remove(handler: Ptr): void {
    const registered = this.listOf(handler);
    if (registered.has(handler)) registered.del(handler);
    else this.k.log.line(`dev_remove_pack: ${this.pointer(handler)} not found`, LOGLEVEL_WARNING);
  }

  private *removeAndWait(handler: Ptr): Sleepable<void> {
    this.remove(handler);
    yield* this.k.get(Rcu).synchronize();
  }

  /** Offloads are ordered by priority. */
  private addOffload(offload: Ptr): void {
    const type = this.k.struct('packet_offload');
    const priority = type.get(offload, 'priority');
    const next = this.offloads.find((other) => priority < type.get(other, 'priority'));
    this.offloads.addBefore(offload, next);
  }

  private *removeOffload(offload: Ptr): Sleepable<void> {
    if (this.offloads.has(offload)) this.offloads.del(offload);
    else this.k.log.line(`dev_remove_offload: ${this.pointer(offload)} not found`, LOGLEVEL_WARNING);
    yield* this.k.get(Rcu).synchronize();
  }

  private pointer(ptr: Ptr): string {
    return this.k.space.toAddress(ptr).toString(16).padStart(16, '0');
  }
}
