import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { KernelSockets } from '../core/socket.js';

const GFP_ATOMIC = 0xa20;

/** Control sockets of the Internet protocols (net/ipv4/af_inet.c). */
export class InetControlSockets implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_ctl_sock_create: (slot: Ptr, family: number, type: number, protocol: number, net: Ptr) =>
      this.createControl(slot, family, type, protocol, net),
  };

  /** inet_ctl_sock_create(): a socket of the kernel's own that no lookup finds, for control packets. */
  private *createControl(
    slot: Ptr,
    family: number,
    type: number,
    protocol: number,
    net: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const inet = k.struct('inet_sock');
    const error = yield* k.get(KernelSockets).createInto(net, family, type, protocol, slot);
    if (error !== 0) return error;
    const sk = k.struct('socket').get(k.space.loadPtr(slot), 'sk');
    k.space.storePtr(slot, sk);
    inet.set(sk, 'sk.sk_allocation', GFP_ATOMIC);
    const proto = k.struct('proto');
    const prot = inet.get(sk, 'sk.__sk_common.skc_prot');
    if (proto.get(prot, 'unhash') !== 0) yield* proto.call(prot, 'unhash', sk);
    return 0;
  }
}
