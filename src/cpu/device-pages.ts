import type { Ptr } from './layout.js';

/**
 * What answers at addresses that are no memory: a device's registers. Offsets are from where it was mapped; sizes are 1, 2, 4 or 8 bytes, values unsigned.
 */
export interface DeviceMemory {
  read(offset: number, size: number): bigint;
  write(offset: number, size: number, value: bigint): void;
}

interface Mapping {
  readonly start: Ptr;
  readonly end: Ptr;
  readonly device: DeviceMemory;
}

/** The widest access that a bus carries at once. */
const BUS_BYTES = 8;

/** Which pages are devices', and accesses to them. What is read is put into the page's bytes, what is to be written is taken from there. */
export class DevicePages {
  private readonly mappings: Mapping[] = [];
  private last: Mapping | undefined;

  constructor(private readonly bytes: Uint8Array) {}

  add(start: Ptr, bytes: number, device: DeviceMemory): void {
    this.mappings.push({ start, end: start + bytes, device });
  }

  /** Nothing answers in this range any more. */
  remove(start: Ptr, end: Ptr): void {
    this.last = undefined;
    for (let i = this.mappings.length - 1; i >= 0; i--)
      if (this.mappings[i].start < end && start < this.mappings[i].end) this.mappings.splice(i, 1);
  }

  private at(ptr: Ptr): Mapping | undefined {
    const { last } = this;
    if (last && ptr >= last.start && ptr < last.end) return last;
    this.last = this.mappings.find(({ start, end }) => ptr >= start && ptr < end);
    return this.last;
  }

  /** Reads what a program would: the device is asked once for each piece that a bus carries. Where nothing answers, all ones. */
  read(ptr: Ptr, bytes: number): void {
    this.pieces(ptr, bytes, (at, size) => {
      const mapping = this.at(at);
      let value = mapping ? mapping.device.read(at - mapping.start, size) : -1n;
      for (let i = 0; i < size; i++) {
        this.bytes[at + i] = Number(value & 0xffn);
        value >>= 8n;
      }
    });
  }

  /** Tells the device of what was written to the page's bytes. */
  written(ptr: Ptr, bytes: number): void {
    this.pieces(ptr, bytes, (at, size) => {
      let value = 0n;
      for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i]);
      const mapping = this.at(at);
      mapping?.device.write(at - mapping.start, size, value);
    });
  }

  private pieces(ptr: Ptr, bytes: number, visit: (at: Ptr, size: number) => void): void {
    for (let at = ptr; at < ptr + bytes; ) {
      const left = ptr + bytes - at;
      let size = Math.min(left, BUS_BYTES);
      // Odd numbers of bytes come of unaligned copies only: they go as bytes.
      if ((size & (size - 1)) !== 0) size = 1;
      visit(at, size);
      at += size;
    }
  }
}
