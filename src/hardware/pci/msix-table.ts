import type { BusTarget } from '../bus.js';
import type { MsiMessage } from './config-space.js';

/** An entry: address, upper address, data, control, of 32 bits each (PCI Local Bus Specification 3.0, 6.8.2). */
export const TABLE_ENTRY_BYTES = 16;
const MASKED = 1;

/** Table of a function's MSI-X vectors, and their pending bits behind it. `send` is told of messages that were held back. */
export class MsixTable implements BusTarget {
  private readonly memory: DataView;
  private readonly pending: boolean[];

  constructor(
    readonly vectors: number,
    private readonly send: (message: MsiMessage) => void,
  ) {
    this.memory = new DataView(new ArrayBuffer(vectors * TABLE_ENTRY_BYTES));
    this.pending = new Array<boolean>(vectors).fill(false);
    for (let i = 0; i < vectors; i++) this.memory.setUint32(i * TABLE_ENTRY_BYTES + 12, MASKED, true);
  }

  /** Bytes of the table and of the pending bits. */
  get size(): number {
    return this.vectors * TABLE_ENTRY_BYTES + Math.ceil(this.vectors / 64) * 8;
  }

  read(offset: number, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.byte(offset + i));
    return value;
  }

  private byte(at: number): number {
    if (at < this.memory.byteLength) return this.memory.getUint8(at);
    const first = (at - this.memory.byteLength) * 8;
    return [...Array(8).keys()].reduce(
      (bits, bit) => bits | (Number(this.pending[first + bit] ?? 0) << bit),
      0,
    );
  }

  write(offset: number, size: number, value: bigint): void {
    for (let i = 0; i < size && offset + i < this.memory.byteLength; i++)
      this.memory.setUint8(offset + i, Number((value >> BigInt(8 * i)) & 0xffn));
    this.pending.forEach((waits, vector) => {
      if (waits && !this.isMasked(vector)) this.fire(vector);
    });
  }

  private isMasked(vector: number): boolean {
    return (this.memory.getUint32(vector * TABLE_ENTRY_BYTES + 12, true) & MASKED) !== 0;
  }

  /** Sends a vector's message, or keeps it until it is not masked any more. */
  fire(vector: number): void {
    if (vector >= this.vectors) throw new RangeError(`vector ${vector} of ${this.vectors}`);
    this.pending[vector] = this.isMasked(vector);
    if (this.pending[vector]) return;
    const at = vector * TABLE_ENTRY_BYTES;
    const address = this.memory.getUint32(at, true) + this.memory.getUint32(at + 4, true) * 2 ** 32;
    this.send({ address, data: this.memory.getUint32(at + 8, true) });
  }
}
