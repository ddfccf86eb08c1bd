import { AF, ARITHMETIC, CF, OF, PF, SF, ZF } from '../decode/effects.js';
import type { Size } from '../decode/instruction.js';
import type { CodeWriter } from '../wasm/code-writer.js';
import { Op } from '../wasm/op.js';
import type { FlagsAtSite, LazyKind } from './flag-state.js';
import { L } from './locals.js';

/** A value in a local, or a known constant. */
export type Value = { readonly local: number } | { readonly constant: number };

export interface LazyState {
  readonly kind: LazyKind;
  readonly size: Size;
  /** Flags that follow from the operands; the others are in their locals. */
  readonly lazy: number;
  readonly b: Value;
}

const FLAG_LOCALS: readonly [number, number][] = [
  [CF, L.cf],
  [PF, L.pf],
  [AF, L.af],
  [ZF, L.zf],
  [SF, L.sf],
  [OF, L.of],
];

const MATERIAL: LazyState = { kind: 'logic', size: 8, lazy: 0, b: { constant: 0 } };

/** Lazily computed arithmetic flags of one translated function. */
export class Flags {
  private state: LazyState = MATERIAL;

  constructor(private readonly w: CodeWriter) {}

  save(): LazyState {
    return this.state;
  }

  restore(state: LazyState | undefined): void {
    this.state = state ?? MATERIAL;
  }

  /**
   * Records an operation that defines `written` flags. Operands are copied to the locals that outlive the
   * instruction, as far as flags in `live` need them.
   */
  define(
    kind: LazyKind,
    size: Size,
    written: number,
    live: number,
    values: { a?: Value; b?: Value; r?: Value },
  ): void {
    const lazy = written & live;
    if (lazy === 0) return;
    this.materialise(live & ~written);
    const wide = size === 8;
    const keep = (value: Value | undefined, local: number): Value => {
      if (!value) return { constant: 0 };
      if ('constant' in value) return value;
      this.w.get(value.local);
      this.w.set(local);
      return { local };
    };
    const a = keep(values.a, wide ? L.a64 : L.a32);
    if (values.a && 'constant' in a) {
      this.constant(a.constant, wide);
      this.w.set(wide ? L.a64 : L.a32);
    }
    const b = keep(values.b, wide ? L.b64 : L.b32);
    keep(values.r, wide ? L.r64 : L.r32);
    this.state = { kind, size, lazy, b };
  }

  /** The given flags are in their locals now. */
  overwritten(flags: number): void {
    this.state = { ...this.state, lazy: this.state.lazy & ~flags };
  }

  /** Moves flags to their locals. */
  materialise(flags: number): void {
    const todo = flags & this.state.lazy;
    if (!todo) return;
    for (const [flag, local] of FLAG_LOCALS)
      if (todo & flag) {
        this.push(flag);
        this.w.set(local);
      }
    this.overwritten(todo);
  }

  describe(live: number): FlagsAtSite | undefined {
    if (!(live & ARITHMETIC)) return undefined;
    const { kind, size, lazy, b } = this.state;
    const out = { live, lazy: lazy & live, kind, size };
    return 'constant' in b ? { ...out, b: String(b.constant) } : out;
  }

  /** Pushes one flag as 0 or 1. */
  push(flag: number): void {
    const { w } = this;
    if (!(this.state.lazy & flag)) {
      w.get(FLAG_LOCALS.find(([mask]) => mask === flag)![1]);
      return;
    }
    const { kind, size } = this.state;
    const wide = size === 8;
    switch (flag) {
      case CF:
        if (kind === 'add') {
          this.result();
          this.a();
          w.op(wide ? Op.i64LtU : Op.i32LtU);
        } else if (kind === 'sub') {
          this.a();
          this.b();
          w.op(wide ? Op.i64LtU : Op.i32LtU);
        } else w.i32(0);
        return;
      case ZF:
        if (kind === 'sub') {
          this.a();
          this.b();
          w.op(wide ? Op.i64Eq : Op.i32Eq);
        } else {
          this.result();
          w.op(wide ? Op.i64Eqz : Op.i32Eqz);
        }
        return;
      case SF:
        this.result();
        this.signBit();
        return;
      case PF:
        this.result();
        if (wide) w.op(Op.i32WrapI64);
        w.i32(255);
        w.op(Op.i32And, Op.i32Popcnt);
        w.i32(1);
        w.op(Op.i32And, Op.i32Eqz);
        return;
      case AF:
        this.pushAuxiliary();
        return;
      case OF:
        this.pushOverflow();
    }
  }

  /** Pushes an i32 that is non-zero when the x86 condition holds. */
  condition(cond: number): void {
    this.positive(cond & ~1);
    if (cond & 1) this.w.op(Op.i32Eqz);
  }

  private positive(cond: number): void {
    const { w } = this;
    const { kind, size, lazy } = this.state;
    const wide = size === 8;
    const needed = [OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF][cond >> 1];
    const all = (lazy & needed) === needed;
    if (all && kind === 'sub') {
      switch (cond) {
        case 6:
          this.a();
          this.b();
          w.op(wide ? Op.i64LeU : Op.i32LeU);
          return;
        case 12:
        case 14:
          this.a();
          this.signExtend();
          this.b(true);
          if (cond === 12) w.op(wide ? Op.i64LtS : Op.i32LtS);
          else w.op(wide ? Op.i64LeS : Op.i32LeS);
          return;
      }
    }
    if (all && kind === 'logic') {
      switch (cond) {
        case 6: // CF = 0
          this.push(ZF);
          return;
        case 12: // OF = 0
          this.push(SF);
          return;
        case 14:
          this.result();
          this.signExtend();
          if (wide) w.i64(0);
          else w.i32(0);
          w.op(wide ? Op.i64LeS : Op.i32LeS);
          return;
      }
    }
    switch (cond) {
      case 0:
        this.push(OF);
        return;
      case 2:
        this.push(CF);
        return;
      case 4:
        this.push(ZF);
        return;
      case 6:
        this.push(CF);
        this.push(ZF);
        w.op(Op.i32Or);
        return;
      case 8:
        this.push(SF);
        return;
      case 10:
        this.push(PF);
        return;
      case 12:
        this.push(SF);
        this.push(OF);
        w.op(Op.i32Xor);
        return;
      default:
        this.push(SF);
        this.push(OF);
        w.op(Op.i32Xor);
        this.push(ZF);
        w.op(Op.i32Or);
    }
  }

  private a(): void {
    this.w.get(this.state.size === 8 ? L.a64 : L.a32);
  }

  private b(signed = false): void {
    const { b, size } = this.state;
    if ('constant' in b) {
      let value = b.constant;
      if (size < 4) {
        const shift = 32 - size * 8;
        value = signed ? (value << shift) >> shift : (value << shift) >>> shift;
      }
      this.constant(value, size === 8);
      return;
    }
    this.w.get(b.local);
    if (signed) this.signExtend();
  }

  private constant(value: number, wide: boolean): void {
    if (wide) this.w.i64(value);
    else this.w.i32(value);
  }

  /** Pushes r, zero-extended. */
  private result(): void {
    const { kind, size } = this.state;
    if (kind !== 'sub') {
      this.w.get(size === 8 ? L.r64 : L.r32);
      return;
    }
    this.a();
    this.b();
    this.w.op(size === 8 ? Op.i64Sub : Op.i32Sub);
    if (size < 4) {
      this.w.i32(size === 1 ? 0xff : 0xffff);
      this.w.op(Op.i32And);
    }
  }

  private signExtend(): void {
    if (this.state.size === 1) this.w.op(Op.i32Extend8S);
    else if (this.state.size === 2) this.w.op(Op.i32Extend16S);
  }

  /** Replaces an operand-sized value by its sign bit. */
  private signBit(): void {
    const { size } = this.state;
    if (size === 8) {
      this.w.i64(63);
      this.w.op(Op.i64ShrU, Op.i32WrapI64);
    } else {
      this.w.i32(size * 8 - 1);
      this.w.op(Op.i32ShrU);
      if (size < 4) {
        this.w.i32(1);
        this.w.op(Op.i32And);
      }
    }
  }

  private xor(): void {
    this.w.op(this.state.size === 8 ? Op.i64Xor : Op.i32Xor);
  }

  private pushAuxiliary(): void {
    const { w } = this;
    const { kind, size } = this.state;
    const wide = size === 8;
    const narrow = (): void => {
      if (wide) w.op(Op.i32WrapI64);
    };
    switch (kind) {
      case 'inc':
      case 'dec':
        this.result();
        narrow();
        w.i32(15);
        w.op(Op.i32And);
        w.i32(kind === 'inc' ? 0 : 15);
        w.op(Op.i32Eq);
        return;
      case 'add': // b = r - a
        this.a();
        this.result();
        this.a();
        w.op(wide ? Op.i64Sub : Op.i32Sub);
        break;
      case 'sub':
      case 'adc':
      case 'sbb':
        this.a();
        this.b();
        break;
      default:
        w.i32(0);
        return;
    }
    this.xor();
    this.result();
    this.xor();
    narrow();
    w.i32(4);
    w.op(Op.i32ShrU);
    w.i32(1);
    w.op(Op.i32And);
  }

  private pushOverflow(): void {
    const { w } = this;
    const { kind, size } = this.state;
    const wide = size === 8;
    const and = wide ? Op.i64And : Op.i32And;
    switch (kind) {
      case 'inc':
      case 'dec': {
        this.result();
        const sign = size === 8 ? 0n : 1n << BigInt(size * 8 - 1);
        if (wide) w.i64big(kind === 'inc' ? -(2n ** 63n) : 2n ** 63n - 1n);
        else w.i32(Number(kind === 'inc' ? sign : sign - 1n) | 0);
        w.op(wide ? Op.i64Eq : Op.i32Eq);
        return;
      }
      case 'add':
        this.a();
        this.result();
        this.xor();
        this.result();
        this.a();
        w.op(wide ? Op.i64Sub : Op.i32Sub);
        this.result();
        this.xor();
        break;
      case 'adc':
        this.a();
        this.result();
        this.xor();
        this.b();
        this.result();
        this.xor();
        break;
      case 'sub':
      case 'sbb':
        this.a();
        this.b();
        this.xor();
        this.a();
        this.result();
        this.xor();
        break;
      default:
        w.i32(0);
        return;
    }
    w.op(and);
    this.signBit();
  }
}
