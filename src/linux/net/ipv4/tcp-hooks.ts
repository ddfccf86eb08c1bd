import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Connections that want to hear of acknowledged data: TLS offload (net/ipv4/tcp_input.c). */
export class TcpAckHooks implements Subsystem {
  private users = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    clean_acked_data_enable: (sk: Ptr, hook: Ptr) => {
      this.k.struct('inet_connection_sock').set(sk, 'icsk_clean_acked', hook);
      this.users++;
    },
    clean_acked_data_disable: (sk: Ptr) => {
      this.k.struct('inet_connection_sock').set(sk, 'icsk_clean_acked', 0);
      this.users--;
    },
    // Nothing to wait for: the hook is off at once, not after a delay.
    clean_acked_data_flush: nothing('no segment is ever received', undefined),
  };

  /** Whether any connection has a hook. */
  get inUse(): boolean {
    return this.users > 0;
  }
}
