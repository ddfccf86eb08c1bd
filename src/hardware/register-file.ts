import type { BusTarget } from './bus.js';
import type { Register, RegisterSpec, RegisterSpecs, Registers } from './registers.js';

/** What a register file tells of, and asks: hooks of the model by register name. */
export interface RegisterListener {
  read(name: string): bigint | undefined;
  wrote(name: string, value: bigint, before: bigint): void;
  accessed(name: string, kind: 'read' | 'write', value: bigint, width: number): void;
}

/** Bits of a register that does not say how many it has. */
export const DEFAULT_WIDTH = 32;

const maskOf = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** A register, with its bits. */
class Cell {
  readonly bytes: number;
  private readonly mask: bigint;
  bits: bigint;

  constructor(
    readonly name: string,
    readonly spec: RegisterSpec,
  ) {
    const width = spec.width ?? DEFAULT_WIDTH;
    this.bytes = width / 8;
    this.mask = maskOf(width);
    this.bits = BigInt(spec.reset ?? 0) & this.mask;
  }

  set(value: bigint): void {
    this.bits = value & this.mask;
  }

  /** What a write leaves of it; `written` has the bits of `mask`. */
  after(written: bigint, mask: bigint): bigint {
    switch (this.spec.access ?? 'rw') {
      case 'ro':
      case 'rc':
        return this.bits;
      case 'w1c':
        return this.bits & ~written;
      case 'w0c':
        return this.bits & (written | ~mask);
      case 'w1s':
        return this.bits | written;
      default:
        return (this.bits & ~mask) | written;
    }
  }
}

/** Registers of a device, made of their specifications: what drivers' accesses do to them, and what a model makes of them. */
export class RegisterFile<R extends RegisterSpecs> implements BusTarget {
  readonly registers: Registers<R>;
  private readonly cells: readonly Cell[];

  constructor(
    specs: R,
    private readonly listener: RegisterListener,
  ) {
    this.cells = Object.entries(specs).map(([name, spec]) => new Cell(name, spec));
    this.registers = Object.fromEntries(
      this.cells.map((cell) => [cell.name, viewOf(cell)]),
      // Each name has the view of its specification.
    ) as unknown as Registers<R>;
  }

  /** Values as at power-on. */
  reset(): void {
    for (const cell of this.cells) cell.set(BigInt(cell.spec.reset ?? 0));
  }

  read(offset: number, size: number): bigint {
    let result = 0n;
    let found = false;
    for (const cell of this.overlapping(offset, size)) {
      found = true;
      const value = this.valueOf(cell);
      const shift = BigInt(8 * (cell.spec.at - offset));
      result |= shift >= 0n ? value << shift : value >> -shift;
    }
    const value = result & maskOf(8 * size);
    if (!found) this.listener.accessed(unknown(offset), 'read', value, 8 * size);
    return value;
  }

  private valueOf(cell: Cell): bigint {
    const { spec, name } = cell;
    const hooked = this.listener.read(name);
    if (hooked !== undefined) cell.set(hooked);
    const value = spec.access === 'wo' ? 0n : cell.bits;
    if (spec.access === 'rc') cell.set(0n);
    this.listener.accessed(name, 'read', value, 8 * cell.bytes);
    return value;
  }

  write(offset: number, size: number, value: bigint): void {
    const cells = this.overlapping(offset, size);
    if (cells.length === 0) this.listener.accessed(unknown(offset), 'write', value, 8 * size);
    for (const cell of cells) {
      const shift = BigInt(8 * (cell.spec.at - offset));
      const whole = maskOf(8 * cell.bytes);
      const place = (bits: bigint): bigint => (shift >= 0n ? bits >> shift : bits << -shift) & whole;
      const mask = place(maskOf(8 * size));
      const before = cell.bits;
      const written = place(value) & mask;
      cell.set(cell.after(written, mask));
      this.listener.accessed(cell.name, 'write', written, 8 * cell.bytes);
      this.listener.wrote(cell.name, mask === whole ? written : (before & ~mask) | written, before);
    }
  }

  private overlapping(offset: number, size: number): readonly Cell[] {
    return this.cells.filter(({ spec, bytes }) => spec.at < offset + size && offset < spec.at + bytes);
  }
}

const unknown = (offset: number): string => `+0x${offset.toString(16)}`;

/** A register's value and fields as properties. */
function viewOf(cell: Cell): Register<RegisterSpec> {
  const wide = cell.bytes === 8;
  const view = Object.defineProperty({}, 'value', {
    get: () => (wide ? cell.bits : Number(cell.bits)),
    set: (value: number | bigint) => cell.set(BigInt(value)),
    enumerable: true,
  });
  for (const [name, at] of Object.entries(cell.spec.bits ?? {})) {
    const [high, low] = typeof at === 'number' ? [at, at] : at;
    const mask = maskOf(high - low + 1);
    Object.defineProperty(view, name, {
      get: () => Number((cell.bits >> BigInt(low)) & mask),
      set: (value: number) =>
        cell.set((cell.bits & ~(mask << BigInt(low))) | ((BigInt(value) & mask) << BigInt(low))),
      enumerable: true,
    });
  }
  return view as Register<RegisterSpec>;
}
