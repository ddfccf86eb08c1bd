import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import { Ratelimit } from '../../printk/ratelimit.js';
import type { Subsystem } from '../../subsystem.js';

/** Messages about packets: ten in five seconds (net/core/utils.c). */
const BURST = 10;
const SECONDS = 5;

/** net_ratelimit(): the limit that all messages about packets share. */
export class NetRatelimit implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    net_ratelimit: () => (this.k.get(Ratelimit).allow(this.state, 'net_ratelimit') ? 1 : 0),
  };

  boot(): void {
    const type = this.k.struct('ratelimit_state');
    type.set(this.state, 'burst', BURST);
    type.set(this.state, 'interval', SECONDS * Number(this.k.target.config.get('CONFIG_HZ') ?? '250'));
  }

  private get state(): Ptr {
    return this.k.symbol('net_ratelimit_state');
  }
}
