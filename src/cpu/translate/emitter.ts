import type { Insn, Size } from '../decode/instruction.js';
import type { VectorSet } from '../decode/vector-effects.js';
import { halfOffset, regOffset, VECTORS } from '../runtime/layout.js';
import type { CodeWriter } from '../wasm/code-writer.js';
import { Op } from '../wasm/op.js';
import { Simd } from '../wasm/simd.js';
import { Flags } from './flags.js';
import { L, reg as localOf } from './locals.js';
import type { Site } from './site.js';
import type { VectorLocals } from './vector-locals.js';

/** State of translating one unit, with registers, temporaries and exits. */
export class Emitter {
  readonly flags: Flags;
  /** Registers whose locals are newer than the register file. */
  dirty = 0;
  /** Open blocks. Labels 0 and 1 are the unwind and the exit block of the function. */
  depth = 0;
  /** The instruction being translated, flags live before and after it. */
  insn!: Insn;
  liveBefore = 0;
  liveAfter = 0;
  /** Present in functions with vector instructions. */
  vectors: VectorLocals | undefined;
  private temps64 = 0;
  private temps32 = 0;

  constructor(
    readonly w: CodeWriter,
    readonly sites: Site[],
    /** Linear offset of the function's entry. */
    private readonly entry: number,
  ) {
    this.flags = new Flags(w);
  }

  begin(insn: Insn, liveBefore: number, liveAfter: number): void {
    this.insn = insn;
    this.liveBefore = liveBefore;
    this.liveAfter = liveAfter;
    this.temps64 = 0;
    this.temps32 = 0;
    this.vectors?.release(0);
  }

  temp64(): number {
    return L.temps64 + this.temps64++;
  }

  temp32(): number {
    return L.temps32 + this.temps32++;
  }

  /** A temporary for an operand of this size: i64 for 8 bytes, otherwise i32. */
  temp(size: number): number {
    return size === 8 ? this.temp64() : this.temp32();
  }

  /** Emits the 64-bit or 32-bit variant of an operation. */
  pick(size: number, wide: number, narrow: number): void {
    this.w.byte(size === 8 ? wide : narrow);
  }

  constant(value: number, size: number): void {
    if (size === 8) this.w.i64(value);
    else this.w.i32(value);
  }

  /** Pushes a register's value, zero-extended to i32 or i64. */
  pushReg(reg: number, size: number, high = false): void {
    const { w } = this;
    w.get(localOf(reg));
    if (size === 8) return;
    w.op(Op.i32WrapI64);
    if (high) {
      w.i32(8);
      w.op(Op.i32ShrU);
    }
    if (size < 4) {
      w.i32(size === 1 ? 0xff : 0xffff);
      w.op(Op.i32And);
    }
  }

  /** Pops a value into a register. 32-bit results clear the upper half, narrower ones leave the rest. */
  popReg(reg: number, size: number, high = false): void {
    const { w } = this;
    this.dirty |= 1 << reg;
    if (size === 4) w.op(Op.i64ExtendI32U);
    else if (size < 4) {
      const mask = size === 1 ? 0xff : 0xffff;
      const shift = high ? 8 : 0;
      w.i32(mask);
      w.op(Op.i32And, Op.i64ExtendI32U);
      if (shift) {
        w.i64(8);
        w.op(Op.i64Shl);
      }
      w.get(localOf(reg));
      w.i64(-1 - mask * (high ? 256 : 1));
      w.op(Op.i64And, Op.i64Or);
    }
    w.set(localOf(reg));
  }

  pushImmediate(value: number, size: number, big?: bigint): void {
    if (size === 8) {
      if (big !== undefined) this.w.i64big(big);
      else this.w.i64(value);
    } else this.w.i32(size === 1 ? value & 0xff : size === 2 ? value & 0xffff : value);
  }

  /** Makes a new site at the current instruction the one that an exit will report. */
  aimAt(site: Partial<Site> & Pick<Site, 'kind'>): number {
    const number = this.addSite(site);
    this.w.i32(number);
    this.w.set(L.site);
    return number;
  }

  addSite(site: Partial<Site> & Pick<Site, 'kind'>): number {
    const flags = this.flags.describe(this.liveBefore);
    const { entry, dirty } = this;
    const vectors = this.vectors?.dirty ? { vectors: this.vectors.dirty } : undefined;
    const complete: Site = { entry, address: this.insn?.address ?? 0, dirty, ...vectors, ...site };
    this.sites.push(flags && !('flags' in site) ? { ...complete, flags } : complete);
    return this.sites.length - 1;
  }

  /** Pops a condition; leaves translated code at the site aimed at if it holds. */
  exitIf(): void {
    this.w.byte(Op.brIf);
    this.w.u32(this.depth - 2);
  }

  exit(): void {
    this.w.byte(Op.br);
    this.w.u32(this.depth - 2);
  }

  /** Writes registers back to the register file. */
  flushRegs(mask = this.dirty): void {
    const { w } = this;
    for (let reg = 0; reg < 16; reg++)
      if (mask & (1 << reg)) {
        w.i32(0);
        w.get(localOf(reg));
        w.memory(Op.i64Store, regOffset(reg));
      }
    this.dirty &= ~mask;
  }

  /** Writes all registers back, vector registers too. */
  flushAll(): void {
    this.flushRegs();
    const { vectors } = this;
    if (!vectors?.dirty) return;
    this.storeVectors(vectors, vectors.dirty, VECTORS);
    vectors.dirty = 0;
  }

  /** Stores half vector registers to the register file or its shadow. */
  storeVectors(vectors: VectorLocals, set: VectorSet, to: number): void {
    const { w } = this;
    for (let half = 0; half < 32; half++)
      if (set & (1 << half)) {
        w.i32(0);
        w.get(vectors.of(half));
        w.simdMemory(Simd.store, to + halfOffset(half));
      }
  }

  loadVectors(set: VectorSet): void {
    const { w, vectors } = this;
    if (!vectors) return;
    for (let half = 0; half < 32; half++)
      if (set & (1 << half)) {
        w.i32(0);
        w.simdMemory(Simd.load, VECTORS + halfOffset(half));
        w.set(vectors.of(half));
      }
  }

  loadRegs(mask: number): void {
    const { w } = this;
    for (let reg = 0; reg < 16; reg++)
      if (mask & (1 << reg)) {
        w.i32(0);
        w.memory(Op.i64Load, regOffset(reg));
        w.set(localOf(reg));
      }
  }

  /** Extends the sign of an operand-sized i32 on the stack. */
  signExtend(size: Size): void {
    if (size === 1) this.w.op(Op.i32Extend8S);
    else if (size === 2) this.w.op(Op.i32Extend16S);
  }

  /** Masks an i32 on the stack to a narrow operand's width. */
  mask(size: Size): void {
    if (size >= 4) return;
    this.w.i32(size === 1 ? 0xff : 0xffff);
    this.w.op(Op.i32And);
  }
}
