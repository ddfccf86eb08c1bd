import type { MemOperand, Operand } from '../decode/instruction.js';
import { type AddressPlan, FRAME, type Location, type Range, SymbolicRegisters } from '../flow/addresses.js';
import { PAGE_SIZE, READ_TAGS, WRITE_TAGS } from '../layout.js';
import { ALIAS_TAG, FS_BASE, GS_BASE } from '../runtime/layout.js';
import type { CodeWriter } from '../wasm/code-writer.js';
import { Op } from '../wasm/op.js';
import { askDevice } from './device.js';
import { Emitter } from './emitter.js';
import { L, reg as localOf, RANGE_LOCALS } from './locals.js';
import { callService } from './services.js';
import type { Site } from './site.js';
import type { HelperName } from './vector/helpers.js';

/** How thoroughly memory accesses are checked where the quick check fails. */
export type CheckMode =
  /** Leave translated code. */
  | 'quick'
  /** Try page-crossing accesses and direct-map aliases in line, then leave. */
  | 'patient'
  /** As 'patient', and single accesses to watched pages are checked with the shadow; only the stack frame is checked as a range. */
  | 'watched'
  /** As 'watched', and no access is covered by a check of a whole range. */
  | 'full'
  /** As 'full', and devices answer where they are mapped. */
  | 'device';

/** Translation of one unit: operands and memory accesses. Instruction families are functions over it. */
export class Translator extends Emitter {
  /** Present where accesses are checked by ranges. */
  symbols: SymbolicRegisters | undefined;
  private ranges: Map<number, Range> | undefined;
  private frame: Range | undefined;
  private rangeLocals = 0;
  /** The instruction may write to memory. */
  writes = false;
  /** Function index of a helper. */
  helper: (name: HelperName) => number = () => {
    throw new Error('no helpers here');
  };
  /** Addresses of this block, as symbols, that are known to be multiples of `align`. */
  private readonly aligned: { readonly root: number; readonly delta: number; readonly align: number }[] = [];
  /** Where the operand that `access` checked lies; undefined: at L.ea. */
  private checked:
    | { readonly local: number; readonly offset: number; readonly index: Location['index'] }
    | undefined;

  constructor(
    w: CodeWriter,
    readonly mode: CheckMode,
    sites: Site[] = [],
    entry = 0,
  ) {
    super(w, sites, entry);
  }

  /** Pushes any operand zero-extended; memory is checked for reading first. */
  pushOperand(operand: Operand, size: number): void {
    switch (operand.kind) {
      case 'reg':
        this.pushReg(operand.reg, size, operand.high);
        return;
      case 'imm':
        this.pushImmediate(operand.value, size, operand.big);
        return;
      case 'mem':
        this.access(operand, size, false);
        this.load(size);
    }
  }

  /** Pops a value into a register or into memory at L.ea, which has been checked. */
  popOperand(operand: Operand, size: number): void {
    if (operand.kind === 'reg') this.popReg(operand.reg, size, operand.high);
    else this.store(size);
  }

  /** Pushes the effective address of an operand plus a constant, as i64. */
  pushAddress(memory: MemOperand, plus = 0): void {
    const { w } = this;
    let pushed = false;
    if (memory.base >= 0) {
      w.get(localOf(memory.base));
      pushed = true;
    }
    if (memory.index >= 0) {
      w.get(localOf(memory.index));
      if (memory.scale > 1) {
        w.i64(Math.log2(memory.scale));
        w.op(Op.i64Shl);
      }
      if (pushed) w.op(Op.i64Add);
      pushed = true;
    }
    let disp = memory.disp;
    if (memory.addr32) {
      if (pushed) {
        w.i64(disp);
        w.op(Op.i64Add);
      } else w.i64(disp);
      w.i64(0xffff_ffff);
      w.op(Op.i64And);
      pushed = true;
      disp = 0;
    }
    if (memory.segment) {
      w.i32(0);
      w.memory(Op.i64Load, memory.segment === 'gs' ? GS_BASE : FS_BASE);
      if (pushed) w.op(Op.i64Add);
      pushed = true;
    }
    disp += plus;
    if (!pushed) w.i64(disp);
    else if (disp !== 0) {
      w.i64(disp);
      w.op(Op.i64Add);
    }
  }

  /** Starts a block whose accesses are checked by ranges. */
  beginBlock(plan: AddressPlan, index: number): void {
    this.symbols = new SymbolicRegisters(plan.rspIn[index]);
    this.ranges = plan.blocks[index];
    this.frame = plan.frame;
    this.rangeLocals = 0;
    this.aligned.length = 0;
  }

  /**
   * Makes sure that an operand is accessible and prepares `load` or `store` of it. Nothing may have been
   * modified yet. Its address must be a multiple of `align`, else that is #GP.
   */
  access(memory: MemOperand, size: number, write: boolean, align = 1): void {
    const at = this.symbols?.locate(memory);
    const range = at && this.rangeOf(at, size, write);
    if (!at || !range) {
      this.pushAddress(memory, -0x8000_0000);
      this.w.set(L.ea);
      this.checked = undefined;
      if (align > 1) this.checkAlignment(memory, size, write, align, at);
      this.check(size, write, memory);
      return;
    }
    if (range.local < 0) {
      // The first access through this pointer: check all that the block accesses through it.
      this.pushAddress({ ...memory, index: -1 }, range.low - at.delta - 0x8000_0000);
      this.w.set(L.ea);
      this.aimAt({ kind: 'memory', memory: { ...memory, size }, write, range: true });
      this.checkRange(range.high - range.low, range.write);
      range.local = L.ranges + this.rangeLocals++;
      this.w.get(L.ea);
      this.w.op(Op.i32WrapI64);
      this.w.set(range.local);
    }
    this.checked = { local: range.local, offset: at.delta - range.low, index: at.index };
    if (align > 1) this.checkAlignment(memory, size, write, align, at);
  }

  /** Linear offsets have the low bits of addresses. */
  private checkAlignment(
    memory: MemOperand,
    size: number,
    write: boolean,
    align: number,
    at: Location | undefined,
  ): void {
    const { w, aligned } = this;
    const known =
      at &&
      !at.index &&
      aligned.some((o) => o.root === at.root && o.align >= align && (o.delta - at.delta) % align === 0);
    if (known) return;
    this.aimAt({ kind: 'memory', memory: { ...memory, size }, write, align });
    this.pushLinear();
    if (this.checked?.offset) {
      w.i32(this.checked.offset);
      w.op(Op.i32Add);
    }
    w.i32(align - 1);
    w.op(Op.i32And);
    this.exitIf();
    if (at && !at.index) aligned.push({ root: at.root, delta: at.delta, align });
  }

  private rangeOf(at: Location, size: number, write: boolean): Range | undefined {
    const range = at.root === FRAME ? this.frame : this.ranges?.get(at.root);
    if (!range || at.delta < range.low || at.delta + at.extent + size > range.high || (write && !range.write))
      return undefined;
    return range.local >= 0 || this.rangeLocals < RANGE_LOCALS ? range : undefined;
  }

  /** Leaves at the site aimed at unless `size` bytes at L.ea are accessible. */
  checkRange(size: number, write: boolean): void {
    const { w } = this;
    const tags = write ? WRITE_TAGS : READ_TAGS;
    if (size > PAGE_SIZE) {
      this.pushPageWrong(tags, size - 1);
      for (let at = 0; at < size - 1; at += PAGE_SIZE) {
        this.pushPageWrong(tags, at);
        w.op(Op.i32Or);
      }
      this.exitIf();
      return;
    }
    this.pushMismatch(tags, size);
    w.op(Op.if, 0x40);
    this.depth++;
    // Either not accessible or on two pages.
    this.pushPageWrong(tags, 0);
    this.pushPageWrong(tags, size - 1);
    w.op(Op.i32Or);
    this.exitIf();
    w.op(Op.end);
    this.depth--;
  }

  /** The tag of the last byte's page must match the first byte's page number: fails for page crossings too. */
  private pushMismatch(tags: number, size: number): void {
    this.pushTag(tags, size - 1);
    this.w.get(L.ea);
    this.w.i64(12);
    this.w.op(Op.i64ShrU, Op.i64Ne);
  }

  private pushPageWrong(tags: number, plus: number): void {
    const { w } = this;
    this.pushTag(tags, plus);
    w.get(L.ea);
    if (plus) {
      w.i64(plus);
      w.op(Op.i64Add);
    }
    w.i64(12);
    w.op(Op.i64ShrU, Op.i64Ne);
  }

  /** Leaves translated code at this instruction unless `size` bytes at L.ea are accessible. */
  check(size: number, write: boolean, memory: MemOperand, bitOffset?: Site['bitOffset']): void {
    const { w } = this;
    const tags = write ? WRITE_TAGS : READ_TAGS;
    this.checked = undefined;
    if (write) this.writes = true;
    this.aimAt({ kind: 'memory', memory: { ...memory, size }, write, ...(bitOffset && { bitOffset }) });
    this.pushMismatch(tags, size);
    if (this.mode === 'quick') {
      this.exitIf();
      return;
    }
    w.op(Op.if, 0x40);
    this.depth++;
    this.pushPageOk(tags, 0);
    if (size > 1) {
      this.pushPageOk(tags, size - 1);
      w.op(Op.i32And);
    }
    w.op(Op.i32Eqz);
    if (this.mode === 'device') askDevice(this, size, write);
    else this.exitIf();
    if (size <= 8) this.watch(size);
    w.op(Op.end);
    this.depth--;
  }

  /** Leaves where the access meets poison. Vector code, which is written by hand, may read more than it uses. */
  private watch(size: number): void {
    const { w } = this;
    w.get(L.ea);
    w.op(Op.i32WrapI64);
    w.i32(size);
    callService(w, 'watch');
    this.exitIf();
  }

  private pushTag(tags: number, plus: number): void {
    const { w } = this;
    w.get(L.ea);
    w.op(Op.i32WrapI64);
    if (plus) {
      w.i32(plus);
      w.op(Op.i32Add);
    }
    w.i32(12);
    w.op(Op.i32ShrU);
    w.i32(3);
    w.op(Op.i32Shl);
    w.memory(Op.i64Load, tags);
  }

  /** Whether one byte is accessible, at the page's own address or at its alias in the direct map. */
  private pushPageOk(tags: number, plus: number): void {
    const { w } = this;
    const pushPage = (): void => {
      w.get(L.ea);
      if (plus) {
        w.i64(plus);
        w.op(Op.i64Add);
      }
      w.i64(12);
      w.op(Op.i64ShrU);
    };
    this.pushTag(tags, plus);
    pushPage();
    w.op(Op.i64Eq);
    this.pushTag(tags, plus);
    w.i64(0xf_ffff);
    w.op(Op.i64And);
    w.i32(0);
    w.memory(Op.i64Load, ALIAS_TAG);
    w.op(Op.i64Or);
    pushPage();
    w.op(Op.i64Eq, Op.i32Or);
  }

  /** Offset that belongs to `pushLinear`, for loads and stores of other kinds than these. */
  get linearOffset(): number {
    return this.checked?.offset ?? 0;
  }

  /** Pushes the linear offset of the checked operand; `loadAt` or `storeAt` follows. */
  pushLinear(): void {
    const { w, checked } = this;
    if (!checked) {
      w.get(L.ea);
      w.op(Op.i32WrapI64);
      return;
    }
    w.get(checked.local);
    if (!checked.index) return;
    w.get(localOf(checked.index.reg));
    w.op(Op.i32WrapI64);
    if (checked.index.scale > 1) {
      w.i32(Math.log2(checked.index.scale));
      w.op(Op.i32Shl);
    }
    w.op(Op.i32Add);
  }

  /** Loads the checked operand, zero-extended. */
  load(size: number): void {
    this.pushLinear();
    this.loadAt(size);
  }

  loadAt(size: number): void {
    this.w.memory(
      size === 8 ? Op.i64Load : size === 4 ? 0x28 : size === 2 ? Op.i32Load16u : Op.i32Load8u,
      this.checked?.offset ?? 0,
    );
  }

  /** Pops a value and stores it to the checked operand. */
  store(size: number): void {
    const { w } = this;
    const value = this.temp(size);
    w.set(value);
    this.pushLinear();
    w.get(value);
    this.storeAt(size);
  }

  storeAt(size: number): void {
    this.w.memory(
      size === 8 ? Op.i64Store : size === 4 ? Op.i32Store : size === 2 ? Op.i32Store16 : Op.i32Store8,
      this.checked?.offset ?? 0,
    );
  }
}
