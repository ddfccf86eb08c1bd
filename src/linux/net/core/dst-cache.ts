import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { jiffiesNow } from '../../time/jiffies.js';
import { Destinations } from './dst.js';

/** Routes that a tunnel remembers, one a CPU (net/core/dst_cache.c). */
export class DestinationCaches implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dst_cache_init: (cache: Ptr) => this.init(cache),
    dst_cache_destroy: (cache: Ptr) => this.destroy(cache),
    dst_cache_reset_now: (cache: Ptr) => this.reset(cache),
  };

  private init(cache: Ptr): number {
    const type = this.k.struct('dst_cache');
    const memory = this.k.percpu.allocate(this.k.sizeOf('dst_cache_pcpu'), 8);
    type.set(cache, 'cache', memory);
    if (memory === 0) return -ENOMEM;
    type.set(cache, 'reset_ts', jiffiesNow(this.k));
    return 0;
  }

  private *destroy(cache: Ptr): Sleepable<void> {
    const type = this.k.struct('dst_cache');
    const memory = type.get(cache, 'cache');
    if (memory === 0) return;
    yield* this.drop(memory);
    this.k.percpu.free(memory);
  }

  private *reset(cache: Ptr): Sleepable<void> {
    const type = this.k.struct('dst_cache');
    const memory = type.get(cache, 'cache');
    if (memory === 0) return;
    type.set(cache, 'reset_ts', jiffiesNow(this.k));
    yield* this.drop(memory);
  }

  private *drop(memory: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('dst_cache_pcpu');
    const slot = k.percpu.deref(memory);
    const dst = type.get(slot, 'dst');
    type.set(slot, 'dst', 0);
    yield* k.get(Destinations).release(dst);
  }
}
