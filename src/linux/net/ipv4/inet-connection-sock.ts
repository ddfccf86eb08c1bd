import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Timers } from '../../time/timer.js';

/** Timers of connection-oriented sockets (net/ipv4/inet_connection_sock.c). */
export class ConnectionSocks implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    inet_csk_init_xmit_timers: (sk: Ptr, retransmit: Ptr, delayedAck: Ptr, keepalive: Ptr) => {
      const type = this.k.struct('inet_connection_sock');
      const timers = this.k.get(Timers);
      timers.init(type.addr(sk, 'icsk_retransmit_timer'), retransmit, 0);
      timers.init(type.addr(sk, 'icsk_delack_timer'), delayedAck, 0);
      timers.init(this.k.struct('sock').addr(sk, 'sk_timer'), keepalive, 0);
      type.set(sk, 'icsk_pending', 0);
      type.set(sk, 'icsk_ack.pending', 0);
    },
  };
}
