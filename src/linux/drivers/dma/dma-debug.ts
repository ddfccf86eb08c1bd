import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Memory that a device may access at the moment. */
export interface DmaMappingEntry {
  /** On the device's bus, which is the physical address and the linear offset in guest memory. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
}

/** What drivers have mapped for their devices. */
export class DmaDebug implements Subsystem {
  readonly exports = {};
  private readonly table = new Map<number, DmaMappingEntry[]>();

  constructor(readonly k: LinuxKernel) {}

  /** What is mapped now, for whoever keeps a copy of guest memory for a device. */
  *mappings(): Iterable<DmaMappingEntry> {
    for (const entries of this.table.values()) yield* entries;
  }

  map(address: Ptr, size: number): void {
    this.table.set(address, [...(this.table.get(address) ?? []), { address, size }]);
  }

  unmap(address: Ptr): void {
    const rest = this.table.get(address)?.slice(1) ?? [];
    if (rest.length > 0) this.table.set(address, rest);
    else this.table.delete(address);
  }
}
