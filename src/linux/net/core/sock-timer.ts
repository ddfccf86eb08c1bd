import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { Timers } from '../../time/timer.js';
import { Socks } from './sock.js';

/** Timers of sockets, each of which holds a reference while it is armed (net/core/sock.c). */
export class SocketTimers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sk_reset_timer: (sk: Ptr, timer: Ptr, expires: number) => {
      if (!this.k.get(Timers).modify(timer, expires)) this.k.get(Socks).hold(sk);
    },
    sk_stop_timer: (sk: Ptr, timer: Ptr) => this.stop(sk, timer),
    sk_stop_timer_sync: (sk: Ptr, timer: Ptr) => this.stop(sk, timer),
  };

  private *stop(sk: Ptr, timer: Ptr): Sleepable<void> {
    if (this.k.get(Timers).remove(timer)) yield* this.k.get(Socks).put(sk);
  }
}
