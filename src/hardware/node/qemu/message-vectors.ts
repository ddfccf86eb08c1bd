import type { BusTarget } from '../../bus.js';
import type { MsiMessage } from '../../pci/config-space.js';
import { MSI, MSIX } from '../../pci/config-space.js';
import type { ConfigRegisters } from './config-registers.js';

/** Capability identifiers, and where things are in them (PCI Local Bus Specification 3.0, 6.8). */
const CONTROL = 2;
const CONTROL_64 = 0x80;
const ADDRESS = 4;
const TABLE = 4;
const TABLE_BAR = 7;
const ENTRY = 16;
const ENTRY_WORDS = 4;

/** A vector: the address that the machine has for its message, and the word that the device writes to in its place. */
interface Vector {
  low: number;
  high: number;
  readonly word: number;
}

/** Where a function's MSI-X table is. */
interface Table {
  readonly bar: number;
  readonly offset: number;
  readonly vectors: readonly Vector[];
}

/**
 * Messages of a function, which are writes to an address that the machine gives. The device gets the address of a word of memory in its place, and the
 * machine sees the address that it gave.
 */
export class MessageVectors {
  private readonly msi: { readonly at: number; readonly wide: boolean; readonly vector: Vector } | undefined;
  private readonly table: Table | undefined;

  constructor(
    config: ConfigRegisters,
    addWord: (deliver: (data: number) => void) => number,
    send: (message: MsiMessage) => void,
  ) {
    const make = (): Vector => {
      const vector: Vector = {
        low: 0,
        high: 0,
        word: addWord((data) => send({ address: vector.low + vector.high * 2 ** 32, data })),
      };
      return vector;
    };
    const { access } = config;
    const msi = config.capability(MSI);
    if (msi !== undefined)
      this.msi = {
        at: msi,
        wide: (access.read(msi + CONTROL, 2) & CONTROL_64) !== 0,
        vector: make(),
      };
    const msix = config.capability(MSIX);
    if (msix === undefined) return;
    const where = access.read(msix + TABLE, 4);
    const count = (access.read(msix + CONTROL, 2) & 0x7ff) + 1;
    this.table = {
      bar: where & TABLE_BAR,
      offset: (where & ~TABLE_BAR) >>> 0,
      vectors: Array.from({ length: count }, make),
    };
  }

  /** What configuration space holds in the machine's eyes. */
  readConfig(where: number, value: number): number {
    return this.addressHalf(where) === undefined ? value : this.msi!.vector[this.addressHalf(where)!];
  }

  /** What is to be written for what the machine writes to configuration space. */
  writeConfig(where: number, value: number): number {
    const half = this.addressHalf(where);
    return half === undefined ? value : exchange(this.msi!.vector, half, value);
  }

  private addressHalf(where: number): 'low' | 'high' | undefined {
    if (!this.msi) return undefined;
    const { at, wide } = this.msi;
    if (where === at + ADDRESS) return 'low';
    return wide && where === at + ADDRESS + 4 ? 'high' : undefined;
  }

  /** A BAR that has the table, with the machine's addresses in it. */
  wrap(bar: number, target: BusTarget): BusTarget {
    const { table } = this;
    if (!table || table.bar !== bar) return target;
    const end = table.offset + ENTRY * table.vectors.length;
    const half = (offset: number): readonly [Vector, 'low' | 'high'] | undefined => {
      if (offset < table.offset || offset >= end) return undefined;
      const word = (offset - table.offset) >>> 2;
      const vector = table.vectors[Math.floor(word / ENTRY_WORDS)];
      if (word % ENTRY_WORDS === 0) return [vector, 'low'];
      return word % ENTRY_WORDS === 1 ? [vector, 'high'] : undefined;
    };
    const words = (offset: number, size: number): readonly number[] =>
      size === 8 ? [offset, offset + 4] : [offset];
    return {
      read(offset, size) {
        if (!words(offset, size).some(half)) return target.read(offset, size);
        return words(offset, size).reduceRight((value, at) => {
          const found = half(at);
          const word = found ? BigInt(found[0][found[1]]) : target.read(at, 4);
          return (value << 32n) | word;
        }, 0n);
      },
      write(offset, size, value) {
        if (!words(offset, size).some(half)) return target.write(offset, size, value);
        words(offset, size).forEach((at, i) => {
          const word = Number((value >> BigInt(32 * i)) & 0xffff_ffffn);
          const found = half(at);
          target.write(at, 4, BigInt(found ? exchange(found[0], found[1], word) : word));
        });
      },
    };
  }
}

/** Notes half of an address that the machine gives: that half of the word's. Words lie below 4 GiB. */
function exchange(vector: Vector, half: 'low' | 'high', value: number): number {
  vector[half] = value >>> 0;
  return half === 'low' ? vector.word : 0;
}
