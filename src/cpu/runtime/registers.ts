import type { AddressSpace } from '../address-space.js';
import {
  ALIAS_TAG,
  CONTEXT_END,
  FS_BASE,
  FUEL,
  GS_BASE,
  MXCSR,
  REGS,
  RFLAGS,
  RIP,
  TABLES,
} from './layout.js';
import { makeTables } from './tables.js';

/** RFLAGS.AC: the kernel may access user memory (SMAP). */
export const FLAG_AC = 0x4_0000;
/** RFLAGS bit 1 is always set. */
const FLAGS_ALWAYS = 2;
/** All exceptions masked, rounding to nearest: what the processor starts with. */
export const MXCSR_DEFAULT = 0x1f80;

/** No number of a page has this bit. */
const NO_ALIAS = 1n << 60n;

/** The register file in linear memory, seen from TypeScript. */
export class Registers {
  private readonly view: DataView;

  constructor(readonly space: AddressSpace) {
    this.view = space.view;
    this.view.setUint32(RFLAGS, FLAGS_ALWAYS | 0x200, true);
    this.view.setUint32(MXCSR, MXCSR_DEFAULT, true);
    const { directMapUpper } = space.memoryMap;
    this.view.setBigUint64(
      ALIAS_TAG,
      directMapUpper === undefined ? NO_ALIAS : BigInt(directMapUpper) << 20n,
      true,
    );
    space.bytes.set(makeTables(), TABLES);
  }

  get(register: number): bigint {
    return this.view.getBigUint64(REGS + register * 8, true);
  }

  set(register: number, value: bigint): void {
    this.view.setBigUint64(REGS + register * 8, value, true);
  }

  low(register: number): number {
    return this.view.getUint32(REGS + register * 8, true);
  }

  high(register: number): number {
    return this.view.getUint32(REGS + register * 8 + 4, true);
  }

  setHalves(register: number, low: number, high: number): void {
    this.view.setUint32(REGS + register * 8, low, true);
    this.view.setUint32(REGS + register * 8 + 4, high, true);
  }

  get rip(): bigint {
    return this.view.getBigUint64(RIP, true);
  }

  set rip(value: bigint) {
    this.view.setBigUint64(RIP, value, true);
  }

  get ripLow(): number {
    return this.view.getUint32(RIP, true);
  }

  get ripHigh(): number {
    return this.view.getUint32(RIP + 4, true);
  }

  setRipHalves(low: number, high: number): void {
    this.view.setUint32(RIP, low, true);
    this.view.setUint32(RIP + 4, high, true);
  }

  get flags(): number {
    return this.view.getUint32(RFLAGS, true);
  }

  set flags(value: number) {
    this.view.setUint32(RFLAGS, value | FLAGS_ALWAYS, true);
    this.space.user.accessFlag = (value & FLAG_AC) !== 0;
  }

  get gsBase(): bigint {
    return this.view.getBigUint64(GS_BASE, true);
  }

  set gsBase(value: bigint) {
    this.view.setBigUint64(GS_BASE, value, true);
  }

  get fsBase(): bigint {
    return this.view.getBigUint64(FS_BASE, true);
  }

  set fsBase(value: bigint) {
    this.view.setBigUint64(FS_BASE, value, true);
  }

  get fuel(): number {
    return this.view.getInt32(FUEL + 4, true) * 2 ** 32 + this.view.getUint32(FUEL, true);
  }

  set fuel(value: number) {
    this.view.setBigInt64(FUEL, BigInt(Math.trunc(value)), true);
  }

  /** Takes instructions off the fuel, which may become negative. */
  burn(count: number): void {
    const low = this.view.getUint32(FUEL, true);
    if (low >= count) this.view.setUint32(FUEL, low - count, true);
    else this.fuel -= count;
  }

  u32(offset: number): number {
    return this.view.getUint32(offset, true);
  }

  setU32(offset: number, value: number): void {
    this.view.setUint32(offset, value, true);
  }

  u64(offset: number): bigint {
    return this.view.getBigUint64(offset, true);
  }

  setU64(offset: number, value: bigint): void {
    this.view.setBigUint64(offset, value, true);
  }

  save(): ArrayBuffer {
    return this.space.bytes.slice(REGS, CONTEXT_END).buffer as ArrayBuffer;
  }

  load(context: ArrayBufferLike): void {
    this.space.bytes.set(new Uint8Array(context, 0, CONTEXT_END - REGS), REGS);
    this.space.user.accessFlag = (this.flags & FLAG_AC) !== 0;
  }
}
