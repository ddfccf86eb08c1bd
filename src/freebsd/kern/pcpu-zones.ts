import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Uma } from './uma.js';

/** Zones of integers that there is one of for each CPU (sys/kern/subr_pcpu.c). */
export class PcpuZones implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {};

  readonly data = Object.fromEntries(
    [4, 16, 32, 64].map((size) => [`pcpu_zone_${size}`, (at: Ptr) => this.make(at, size)]),
  );

  private make(at: Ptr, size: number): void {
    const none = { ctor: 0, dtor: 0, init: 0, fini: 0 };
    const flags = this.k.macro('UMA_ZONE_PCPU');
    this.k.space.storePtr(at, this.k.get(Uma).create(`pcpu-${size}`, size, none, 7, flags));
  }
}
