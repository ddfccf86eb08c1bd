import type { BarSpec } from '../../pci/config-space.js';
import {
  BAR_IO,
  BAR_PREFETCH,
  BASE_ADDRESS,
  CAPABILITIES,
  COMMAND,
  DECODES_MEMORY,
  DECODES_PORTS,
  INTERRUPT_LINE,
  STATUS,
  STATUS_CAPABILITIES,
} from '../../pci/config-space.js';

/** Offsets and bits of the header and of capabilities (PCI Local Bus Specification 3.0, 6.1, 6.7, 6.8). */
const HEADER_TYPE = 0x0e;
const INTERRUPT_PIN = 0x3d;
const BARS = [6, 2] as const;
const BAR_WIDE = 4;
const ONES = 0xffff_ffff;
/** As long as a list of capabilities can be. */
const MOST_CAPABILITIES = 48;

/** Reads and writes registers of a function's configuration space. */
export interface ConfigAccess {
  read(where: number, bytes: number): number;
  write(where: number, bytes: number, value: number): void;
}

/** What is known of a function's configuration space, and what its driver does to it. */
export class ConfigRegisters {
  readonly bars: Readonly<Record<number, BarSpec>>;
  readonly pin: number;
  readonly isMultiFunction: boolean;

  constructor(readonly access: ConfigAccess) {
    const type = access.read(HEADER_TYPE, 1);
    this.isMultiFunction = (type & 0x80) !== 0;
    this.pin = access.read(INTERRUPT_PIN, 1);
    access.write(COMMAND, 2, access.read(COMMAND, 2) & ~(DECODES_PORTS | DECODES_MEMORY));
    this.bars = this.sizeBars(BARS[type & 0x7f] ?? 0);
  }

  /** Offset of a capability; undefined where there is none with that identifier. */
  capability(id: number): number | undefined {
    const { access } = this;
    if (!(access.read(STATUS, 2) & STATUS_CAPABILITIES)) return undefined;
    let at = access.read(CAPABILITIES, 1);
    for (let i = 0; at !== 0 && i < MOST_CAPABILITIES; i++) {
      if (access.read(at, 1) === id) return at;
      at = access.read(at + 1, 1);
    }
    return undefined;
  }

  /** As firmware does: where a BAR is; it is decoded from then on. */
  assign(bar: number, address: number): void {
    const { access } = this;
    const { io, wide } = this.bars[bar];
    access.write(BASE_ADDRESS + 4 * bar, 4, Number(BigInt(address) & 0xffff_ffffn));
    if (wide) access.write(BASE_ADDRESS + 4 * bar + 4, 4, Math.floor(address / 2 ** 32));
    access.write(COMMAND, 2, access.read(COMMAND, 2) | (io ? DECODES_PORTS : DECODES_MEMORY));
  }

  route(line: number): void {
    this.access.write(INTERRUPT_LINE, 1, line);
  }

  /** Where a BAR is, as it is decoded now; undefined where it is not. */
  address(bar: number): number | undefined {
    const { io, wide } = this.bars[bar];
    const { access } = this;
    if (!(access.read(COMMAND, 2) & (io ? DECODES_PORTS : DECODES_MEMORY))) return undefined;
    const low = (access.read(BASE_ADDRESS + 4 * bar, 4) & ~(io ? 3 : 15)) >>> 0;
    return low + (wide ? access.read(BASE_ADDRESS + 4 * bar + 4, 4) * 2 ** 32 : 0);
  }

  /** Whether a write to configuration space can change what is decoded. */
  changesDecoding(where: number): boolean {
    return where < COMMAND + 2 || (where >= BASE_ADDRESS && where < BASE_ADDRESS + 4 * BARS[0]);
  }

  private sizeBars(count: number): Record<number, BarSpec> {
    const bars: Record<number, BarSpec> = {};
    for (let bar = 0; bar < count; bar++) {
      const spec = this.sizeBar(BASE_ADDRESS + 4 * bar);
      if (!spec) continue;
      bars[bar] = spec;
      if (spec.wide) bar++;
    }
    return bars;
  }

  private sizeBar(at: number): BarSpec | undefined {
    const kept = this.keptOf(at);
    if (kept === 0) return undefined;
    if (kept & BAR_IO) return { size: 0x1_0000 - (kept & 0xfffc), io: true };
    const wide = (kept & BAR_WIDE) !== 0;
    const high = wide ? this.keptOf(at + 4) : ONES;
    const mask = (BigInt(high) << 32n) | BigInt((kept & ~15) >>> 0);
    const size = Number((1n << 64n) - mask);
    return { size, ...(wide && { wide: true }), ...(kept & BAR_PREFETCH && { prefetchable: true }) };
  }

  /** What a register keeps of all ones. */
  private keptOf(at: number): number {
    const { access } = this;
    const before = access.read(at, 4);
    access.write(at, 4, ONES);
    const kept = access.read(at, 4);
    access.write(at, 4, before);
    return kept;
  }
}
