import type { I2cModel, I2cPart } from '../../src/hardware/i2c/i2c-target.js';
import { SMBUS_BLOCK_MAX } from '../../src/hardware/i2c/i2c-target.js';

/** What a driver read: a register, and how many bytes from it on. */
export interface BankRead {
  readonly register: number;
  readonly bytes: number;
}

/** Longest number of a register. */
const MOST_NUMBER_BYTES = 4;

/**
 * A chip of which nothing is known: registers of a byte, read and written one after the other from the one that a message begins with. A message of
 * two to four bytes that is read after is taken for a register's number.
 */
export class RegisterBank {
  readonly reads: BankRead[] = [];
  /** Accesses of any kind. */
  accesses = 0;
  private readonly values = new Map<number, number>();
  private filler = 0;
  private pointer = 0;
  private pending: Uint8Array | undefined;

  /** As at power-on: every register has `filler`, but for those that are set. */
  reset(filler: number, set: ReadonlyMap<number, number>): void {
    this.filler = filler;
    this.values.clear();
    for (const [register, value] of set) this.values.set(register, value);
    this.reads.length = 0;
    this.accesses = 0;
    this.pointer = 0;
    this.pending = undefined;
  }

  model(type: string): I2cModel<RegisterBank> {
    return {
      bus: 'i2c',
      name: 'register bank',
      type,
      // A line that never asks for anything: without one some drivers do not begin.
      alert: 'low',
      address: undefined,
      create: () => this.part(),
    };
  }

  private part(): I2cPart<RegisterBank> {
    return {
      device: this,
      write: (bytes) => this.write(bytes),
      read: (bytes) => this.read(bytes),
      readBlock: (more) => {
        const [length] = this.read(1);
        return Uint8Array.of(length, ...this.read(Math.min(length, SMBUS_BLOCK_MAX) + more));
      },
      powerOn: () => {},
      powerOff: () => {},
    };
  }

  private write(bytes: Uint8Array): 'ack' {
    this.accesses++;
    this.flush();
    if (bytes.length === 0) return 'ack';
    this.pointer = bytes[0];
    this.pending = bytes;
    return 'ack';
  }

  /** What was written stays, now that it was no register's number. */
  private flush(): void {
    const { pending } = this;
    if (pending) pending.subarray(1).forEach((value, i) => void this.values.set(pending[0] + i, value));
    this.pending = undefined;
  }

  private read(bytes: number): Uint8Array {
    this.accesses++;
    const { pending } = this;
    if (pending && pending.length > 1 && pending.length <= MOST_NUMBER_BYTES)
      this.pointer = pending.reduce((number, byte) => number * 256 + byte, 0);
    else this.flush();
    this.pending = undefined;
    const { pointer } = this;
    this.reads.push({ register: pointer, bytes });
    this.pointer = pointer + bytes;
    return Uint8Array.from({ length: bytes }, (_, i) => this.values.get(pointer + i) ?? this.filler);
  }
}
