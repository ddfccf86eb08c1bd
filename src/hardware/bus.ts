/** What answers accesses on a bus: offsets from where it is, 1, 2, 4 or 8 bytes, unsigned little-endian values. */
export interface BusTarget {
  read(offset: number, size: number): bigint;
  write(offset: number, size: number, value: bigint): void;
}

/** What a read gives where nothing answers. */
export const allOnes = (size: number): bigint => (1n << BigInt(8 * size)) - 1n;

/** Part of a bus that somebody decodes. */
export interface BusRegion {
  readonly start: number;
  readonly size: number;
  readonly target: BusTarget;
}

/** Who decodes what on a bus at the moment. */
export interface BusDecoder {
  /** The region that an address is in, as it is decoded now; undefined where nobody does. */
  decode(address: number): BusRegion | undefined;
}

/** A bus of memory or of ports: decoders that were plugged in, asked in turn. */
export class Bus {
  private readonly decoders = new Set<BusDecoder>();

  add(decoder: BusDecoder): void {
    this.decoders.add(decoder);
  }

  remove(decoder: BusDecoder): void {
    this.decoders.delete(decoder);
  }

  find(address: number): BusRegion | undefined {
    for (const decoder of this.decoders) {
      const region = decoder.decode(address);
      if (region) return region;
    }
    return undefined;
  }

  /** What is at an address; all ones where nothing answers. */
  read(address: number, size: number): bigint {
    const region = this.find(address);
    return region ? region.target.read(address - region.start, size) : allOnes(size);
  }

  write(address: number, size: number, value: bigint): void {
    const region = this.find(address);
    region?.target.write(address - region.start, size, value);
  }
}
