import type { Ptr } from '../../../cpu/layout.js';
import type { Origin } from '../../holding.js';

/** What a mapping was made as, in the words of the kernel's own checks (kernel/dma/debug.c). */
export type DmaKind = 'single' | 'scatter-gather' | 'coherent' | 'resource';

/** enum dma_data_direction, by its numbers. */
export const DIRECTIONS = ['DMA_BIDIRECTIONAL', 'DMA_TO_DEVICE', 'DMA_FROM_DEVICE', 'DMA_NONE'] as const;
export type DmaDirection = (typeof DIRECTIONS)[number];

/** Memory that a device may access at the moment. */
export interface DmaMappingEntry {
  /** struct device that it was mapped for. */
  readonly device: Ptr;
  readonly kind: DmaKind;
  /** On the device's bus, which is the physical address and the linear offset in guest memory. */
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  readonly direction: DmaDirection;
  /** How many entries a scatterlist had of which this is one: 1 for what is none. */
  readonly entries: number;
  /** What mapped it. */
  readonly by: Origin;
  /** It overlaps another mapping with its maker's knowledge (DMA_ATTR_SKIP_CPU_SYNC). */
  readonly mayOverlap: boolean;
}

/** Mappings that ended a short time ago and are still known, to tell who ended what a device goes on with. */
const ENDED_KNOWN = 64;

/** A mapping that is over. */
export interface EndedMapping {
  readonly entry: DmaMappingEntry;
  readonly by: Origin;
}

export const mayRead = ({ direction }: DmaMappingEntry): boolean => direction !== 'DMA_FROM_DEVICE';
export const mayWrite = ({ direction }: DmaMappingEntry): boolean => direction !== 'DMA_TO_DEVICE';

const holds = ({ address, size }: DmaMappingEntry, at: number): boolean =>
  at >= address && at < address + size;

/** What is mapped for devices: by device, then by address; one address may be mapped more than once. */
export class DmaTable {
  private readonly devices = new Map<Ptr, Map<number, DmaMappingEntry[]>>();
  private readonly ended: EndedMapping[] = [];

  add(entry: DmaMappingEntry): void {
    const byAddress = this.devices.get(entry.device) ?? new Map<number, DmaMappingEntry[]>();
    this.devices.set(entry.device, byAddress);
    byAddress.set(entry.address, [...(byAddress.get(entry.address) ?? []), entry]);
  }

  remove(entry: DmaMappingEntry, by: Origin): void {
    const byAddress = this.devices.get(entry.device);
    const rest = byAddress?.get(entry.address)?.filter((other) => other !== entry) ?? [];
    if (rest.length > 0) byAddress?.set(entry.address, rest);
    else byAddress?.delete(entry.address);
    if (byAddress?.size === 0) this.devices.delete(entry.device);
    this.ended.push({ entry, by });
    if (this.ended.length > ENDED_KNOWN) this.ended.shift();
  }

  /** Everything that is mapped for a device. */
  *of(device: Ptr): Generator<DmaMappingEntry> {
    for (const entries of this.devices.get(device)?.values() ?? []) yield* entries;
  }

  *all(): Generator<DmaMappingEntry> {
    for (const device of this.devices.keys()) yield* this.of(device);
  }

  /** Devices that have any. */
  owners(): readonly Ptr[] {
    return [...this.devices.keys()];
  }

  /** Those that begin at an address. */
  at(device: Ptr, address: number): readonly DmaMappingEntry[] {
    return this.devices.get(device)?.get(address) ?? [];
  }

  /** Those that have a byte. */
  having(device: Ptr, address: number): DmaMappingEntry[] {
    return [...this.of(device)].filter((entry) => holds(entry, address));
  }

  /** The one that has all of a range. */
  containing(device: Ptr, address: number, size: number): DmaMappingEntry | undefined {
    return [...this.of(device)].find(
      (entry) => entry.address <= address && address + size <= entry.address + entry.size,
    );
  }

  overlapping({ device, address, size }: DmaMappingEntry): DmaMappingEntry | undefined {
    return [...this.of(device)].find(
      (entry) => entry.address < address + size && address < entry.address + entry.size,
    );
  }

  /** The mapping with that byte that ended last. */
  lastEnded(device: Ptr, address: number): EndedMapping | undefined {
    return [...this.ended].reverse().find(({ entry }) => entry.device === device && holds(entry, address));
  }

  /** A device is gone, and its struct with it. */
  forget(device: Ptr): void {
    this.devices.delete(device);
    for (let i = this.ended.length - 1; i >= 0; i--)
      if (this.ended[i].entry.device === device) this.ended.splice(i, 1);
  }
}
