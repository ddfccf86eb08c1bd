import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SkbQueues } from '../core/skb-queue.js';

/**
 * Events of the wireless extensions, which wait in the namespace until somebody may tell user space of them
 * (net/wireless/wext-core.c). Nobody in user space listens.
 */
export class WirelessEvents implements Subsystem {
  static readonly builtIn = 'CONFIG_WEXT_CORE';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    wireless_nlevent_flush: () => this.flush(),
  };

  boot(): void {
    if (this.k.struct('net').has('wext_nlevents')) this.k.get(SkbQueues).init(this.queue());
  }

  private *flush(): Sleepable<void> {
    yield* this.k.get(SkbQueues).purge(this.queue());
  }

  private queue(): Ptr {
    return this.k.struct('net').addr(this.k.symbol('init_net'), 'wext_nlevents');
  }
}
