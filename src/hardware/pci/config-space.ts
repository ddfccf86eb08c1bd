/** What a PCI function says of itself. */
export interface PciId {
  readonly vendor: number;
  readonly device: number;
  readonly subvendor?: number;
  readonly subdevice?: number;
  /** Class, subclass and programming interface: 0x020000 is an Ethernet controller. */
  readonly class?: number;
  readonly revision?: number;
}

/** A base address register: bytes (a power of two), and what it decodes. */
export interface BarSpec {
  readonly size: number;
  /** I/O ports instead of memory. */
  readonly io?: true;
  readonly prefetchable?: true;
  /** 64 bits of address: the next register is the upper half. */
  readonly wide?: true;
}

export interface PciInterrupts {
  readonly pin?: 'A' | 'B' | 'C' | 'D';
  /** How many messages it can send. */
  readonly msi?: number;
  /** How many vectors its table has; the table lies in this BAR, at this offset (0 by default), the pending bits behind it. */
  readonly msix?: { readonly vectors: number; readonly bar: number; readonly offset?: number };
}

export interface PciHeader {
  readonly id: PciId;
  readonly bars?: { readonly [bar: number]: BarSpec };
  readonly interrupts?: PciInterrupts;
  /** Power management with D1, D2 and D3hot. */
  readonly power?: true;
  readonly express?: true;
  /** Bytes of a register of configuration space that a model has of its own: where, initial value, writable bits. */
  readonly config?: readonly {
    readonly at: number;
    readonly bytes: number;
    readonly value: number;
    readonly writable?: number;
  }[];
}

/** Offsets and bits of the header (PCI Local Bus Specification 3.0, 6.1). */
export const COMMAND = 0x04;
export const STATUS = 0x06;
const CLASS_REVISION = 0x08;
const CACHE_LINE = 0x0c;
export const BASE_ADDRESS = 0x10;
const SUBSYSTEM = 0x2c;
export const CAPABILITIES = 0x34;
export const INTERRUPT_LINE = 0x3c;
export const DECODES_PORTS = 1;
export const DECODES_MEMORY = 2;
const MASTERS_BUS = 4;
const COMMAND_INTX_OFF = 0x400;
const COMMAND_BITS = 0x547;
export const STATUS_CAPABILITIES = 0x10;
export const BAR_IO = 1;
const BAR_64 = 4;
export const BAR_PREFETCH = 8;
const FIRST_CAPABILITY = 0x40;
/** Capability identifiers (appendix H). */
const POWER = 0x01;
export const MSI = 0x05;
const EXPRESS = 0x10;
export const MSIX = 0x11;
const CONVENTIONAL_SPACE = 256;
const EXPRESS_SPACE = 4096;
export const PINS = 'ABCD';

/** A capability: its identifier, and the bytes behind the pointer to the next. */
type Capability = readonly [id: number, ...bytes: number[]];

/** Where a function's messages go, and what they are. */
export interface MsiMessage {
  readonly address: number;
  readonly data: number;
}

/** Configuration space of a function: what is in it, and what of it can be written. */
export class ConfigSpace {
  private readonly bytes: Uint8Array;
  private readonly writable: Uint8Array;
  private readonly capabilities = new Map<number, number>();

  constructor(private readonly header: PciHeader) {
    const size = header.express ? EXPRESS_SPACE : CONVENTIONAL_SPACE;
    this.bytes = new Uint8Array(size);
    this.writable = new Uint8Array(size);
    this.identify();
    for (const [bar, spec] of Object.entries(header.bars ?? {})) this.addBar(Number(bar), spec);
    this.addCapabilities();
    for (const { at, bytes, value, writable = 0 } of header.config ?? [])
      this.put(at, bytes, value, writable);
  }

  read(where: number, bytes: number): number {
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (this.bytes[where + i] ?? 0);
    return value;
  }

  write(where: number, bytes: number, value: number): void {
    for (let i = 0; i < bytes; i++) {
      const at = where + i;
      const mask = this.writable[at] ?? 0;
      this.bytes[at] = (this.bytes[at] & ~mask) | ((value >>> (8 * i)) & mask);
    }
  }

  /** As firmware does: where a BAR is, and the line that the pin is routed to. */
  assign(bar: number, address: number): void {
    const at = BASE_ADDRESS + 4 * bar;
    const { io, wide } = this.header.bars?.[bar] ?? {};
    const low = Number(BigInt(address) & 0xffff_ffffn);
    this.write(at, 4, low);
    if (wide) this.write(at + 4, 4, Math.floor(address / 2 ** 32));
    this.write(COMMAND, 2, this.read(COMMAND, 2) | (io ? DECODES_PORTS : DECODES_MEMORY));
  }

  route(line: number): void {
    this.write(INTERRUPT_LINE, 1, line);
  }

  /** Where a BAR is at the moment; undefined where its kind is not decoded. */
  address(bar: number): number | undefined {
    const spec = this.header.bars?.[bar];
    if (!spec || !(this.read(COMMAND, 2) & (spec.io ? DECODES_PORTS : DECODES_MEMORY))) return undefined;
    const at = BASE_ADDRESS + 4 * bar;
    const low = this.read(at, 4) & ~(spec.io ? 3 : 15);
    return (low >>> 0) + (spec.wide ? this.read(at + 4, 4) * 2 ** 32 : 0);
  }

  /** It may access memory by itself. */
  get isMaster(): boolean {
    return (this.read(COMMAND, 2) & MASTERS_BUS) !== 0;
  }

  get intxEnabled(): boolean {
    return (this.read(COMMAND, 2) & COMMAND_INTX_OFF) === 0;
  }

  /** What it writes for a message; undefined where MSI is off. With fewer messages than vectors the lower bits of the vector tell. */
  msiMessage(vector: number): MsiMessage | undefined {
    const at = this.capabilities.get(MSI);
    if (at === undefined || !(this.read(at + 2, 2) & 1)) return undefined;
    const messages = 1 << ((this.read(at + 2, 2) >>> 4) & 7);
    const address = this.read(at + 4, 4) + this.read(at + 8, 4) * 2 ** 32;
    return { address, data: this.read(at + 12, 2) | (vector & (messages - 1)) };
  }

  get msixEnabled(): boolean {
    const at = this.capabilities.get(MSIX);
    return at !== undefined && (this.read(at + 2, 2) & 0x8000) !== 0;
  }

  private put(at: number, bytes: number, value: number, writable = 0): void {
    for (let i = 0; i < bytes; i++) {
      this.bytes[at + i] = Math.floor(value / 2 ** (8 * i));
      this.writable[at + i] = Math.floor(writable / 2 ** (8 * i));
    }
  }

  private identify(): void {
    const { id, interrupts } = this.header;
    this.put(0, 2, id.vendor);
    this.put(2, 2, id.device);
    this.put(COMMAND, 2, 0, COMMAND_BITS);
    this.put(CLASS_REVISION, 4, (id.class ?? 0) * 256 + (id.revision ?? 0));
    this.put(CACHE_LINE, 1, 0, 0xff);
    this.put(SUBSYSTEM, 2, id.subvendor ?? 0);
    this.put(SUBSYSTEM + 2, 2, id.subdevice ?? 0);
    this.put(INTERRUPT_LINE, 1, 0, 0xff);
    this.put(INTERRUPT_LINE + 1, 1, interrupts?.pin ? PINS.indexOf(interrupts.pin) + 1 : 0);
  }

  private addBar(bar: number, { size, io, prefetchable, wide }: BarSpec): void {
    const fixed = io ? BAR_IO : (wide ? BAR_64 : 0) | (prefetchable ? BAR_PREFETCH : 0);
    this.put(BASE_ADDRESS + 4 * bar, 4, fixed, 0x1_0000_0000 - size);
    if (wide) this.put(BASE_ADDRESS + 4 * bar + 4, 4, 0, 0xffff_ffff);
  }

  private addCapabilities(): void {
    const { interrupts = {}, power, express } = this.header;
    const all: Capability[] = [];
    // Version 2; D1 and D2 are there, PME from D3hot.
    if (power) all.push([POWER, 0x02, 0x46, 0x08, 0x00, 0x00, 0x00]);
    if (interrupts.msi)
      all.push([MSI, 0x80 | (Math.log2(interrupts.msi) << 1), 0, ...new Array<number>(12).fill(0)]);
    if (interrupts.msix) all.push([MSIX, ...msixCapability(interrupts.msix)]);
    if (express)
      all.push([EXPRESS, 0x02, 0x00, 0x01, 0x80, 0, 0x10, 0x10, 0x28, ...new Array<number>(50).fill(0)]);
    let at = FIRST_CAPABILITY;
    let link = CAPABILITIES;
    for (const [id, ...bytes] of all) {
      this.bytes[link] = at;
      this.bytes[at] = id;
      this.bytes.set(bytes, at + 2);
      this.capabilities.set(id, at);
      this.allow(id, at);
      link = at + 1;
      at += Math.ceil((bytes.length + 2) / 4) * 4;
    }
    if (all.length > 0) this.bytes[STATUS] |= STATUS_CAPABILITIES;
  }

  /** What of a capability can be written. */
  private allow(id: number, at: number): void {
    if (id === POWER) this.writable.set([0x03, 0x01], at + 4);
    if (id === MSI)
      this.writable.set([0x71, 0, 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], at + 2);
    if (id === MSIX) this.writable.set([0, 0xc0], at + 2);
    if (id === EXPRESS) this.writable.set([0xff, 0x7f], at + 8);
  }
}

/** Message control, and where table and pending bits are. */
function msixCapability({ vectors, bar, offset = 0 }: NonNullable<PciInterrupts['msix']>): readonly number[] {
  const word = (value: number): readonly number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
  const pending = offset + 16 * vectors;
  return [(vectors - 1) & 0xff, (vectors - 1) >>> 8, ...word(offset | bar), ...word(pending | bar)];
}
