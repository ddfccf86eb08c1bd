import type { Insn, MemOperand } from '../../../cpu/decode/instruction.js';
import { type AccessList, CLEAR, PASS, READ, type TypedPointer, WRITE } from './access.js';
import type { Objects } from './objects.js';
import type { Program } from './program.js';
import type { State } from './state.js';
import {
  ANYWHERE,
  EXACT,
  FRAME,
  INDEXED,
  isPointers,
  join,
  type Pointer,
  type Precision,
  plus,
  type Value,
} from './values.js';

const ALL_BITS = 0xff;

/** Memory as the code of a function sees it: which objects pointers lead to, and what is loaded from them. */
export class Memory {
  constructor(
    private readonly program: Program,
    private readonly objects: Objects,
    /** Where accesses are told of; undefined while it is still being found out what pointers lead to. */
    private readonly accesses: AccessList | undefined,
  ) {}

  /** A load: what is there, as far as types and the function's own stores tell. */
  load(address: Value, size: number, state: State, { address: at }: Insn): Value {
    this.access(address, size, READ);
    if (size !== 8) return this.slot(state, address, size);
    const pointers = this.pointersOf(address);
    if (pointers === undefined) return undefined;
    let found: Value;
    for (const pointer of pointers) found = join(found, this.loaded(pointer, state, at), this.lose);
    return found;
  }

  /** A store of so many bytes. */
  store(address: Value, size: number, value: Value, state: State): void {
    this.access(address, size, value === 0 ? CLEAR : WRITE);
    const pointers = this.pointersOf(address) ?? [];
    for (const { base, offset } of pointers) {
      if (base !== FRAME) continue;
      for (let slot = offset - 7; slot < offset + size; slot++)
        if (slot !== offset && state.slots.size > 0) state.slots.delete(slot);
      const before = pointers.length > 1 ? state.slots.get(offset) : undefined;
      const after = size === 8 ? join(before, this.pointersOf(value), this.lose) : before;
      if (after === undefined) state.slots.delete(offset);
      else state.slots.set(offset, after);
    }
    if (size === 8) this.learnStored(address, value);
  }

  /** What is stored where a member of a known type is, is of that type. */
  learnStored(address: Value, value: Value): void {
    if (value === undefined || value === 0) return;
    for (const { type, offset, precision } of this.typed(address)) {
      if (precision === ANYWHERE) continue;
      for (const pointee of this.program.layouts.pointeesAt(type, offset)) this.learn(value, pointee);
    }
  }

  /** What a slot of the stack holds. */
  slot(state: State, address: Value, size = 8): Value {
    const [pointer, ...others] = this.pointersOf(address) ?? [];
    if (pointer?.base !== FRAME || others.length > 0) return undefined;
    const value = state.slots.get(pointer.offset);
    return size === 8 || typeof value === 'number' ? value : undefined;
  }

  /** An access to memory; `mask`: the bits of it that matter, where the instruction tells. */
  access(address: Value, size: number, kind: number, mask?: number): void {
    if (!this.accesses) return;
    const part = partOf(size, mask);
    for (const { type, offset, precision } of this.typed(address, true))
      this.note(type, offset + part.offset, precision, part.size, kind, part.bits);
  }

  /** As `access`, of a run of bytes from an address on; undefined: of a number that is not known. */
  accessRun(address: Value, bytes: number | undefined, kind: number): void {
    if (!this.accesses) return;
    for (const { type, offset, precision } of this.typed(address, true)) {
      const { layouts } = this.program;
      const size = bytes ?? layouts.restAt(type, offset);
      this.note(type, offset, precision, size, kind, ALL_BITS);
    }
  }

  /** What writing a run of bytes of one place to another is: a copy of a struct is no more than what it is a copy of. */
  kindOfCopy(to: Value, from: Value): number {
    const sources = this.typed(from);
    const same = this.typed(to).every(({ type, offset }) =>
      sources.some((source) => source.type === type && source.offset === offset),
    );
    return same && sources.length > 0 ? CLEAR : WRITE;
  }

  /** A pointer into a struct is given to a function that takes it for one to another. */
  pass(type: number, offset: number, as: number, to: number): void {
    if (!this.accesses) return;
    const { layouts } = this.program;
    const struct = layouts.nameOf(type);
    if (struct === undefined) return;
    const name = layouts.nameOf(as) ?? '';
    const size = layouts.sizeOf(as) || layouts.extentAt(type, offset);
    this.accesses?.add({ struct, offset, size, kind: PASS, bits: ALL_BITS, lost: false, as: name, to });
  }

  /** There are too many pointers to follow this one. */
  readonly lose = ({ base }: Pointer): void => {
    const struct = base >= 0 ? this.program.layouts.nameOf(base) : undefined;
    if (struct !== undefined)
      this.accesses?.add({
        struct,
        offset: 0,
        size: 0,
        kind: READ | WRITE,
        bits: ALL_BITS,
        lost: true,
        as: '',
        to: -1,
      });
  };

  /** A value with a number added. Whole structs of its type further it is another one of them. */
  moved(value: Value, distance: number): Value {
    if (!isPointers(value)) return plus(value, distance);
    const { layouts } = this.program;
    return value.map((pointer) => {
      const size = pointer.base >= 0 && distance !== 0 ? layouts.sizeOf(pointer.base) : 0;
      return size > 0 && distance % size === 0 ? pointer : { ...pointer, offset: pointer.offset + distance };
    });
  }

  /** A value is used as a pointer to a type. */
  learn(value: Value, type: number): void {
    if (!this.program.layouts.tells(type)) return;
    for (const { base, offset, precision } of this.pointersOf(value) ?? []) {
      if (base < FRAME && precision === EXACT) this.objects.learn(base, offset, type);
      else if (base === FRAME && precision === EXACT) this.objects.learnFrame(offset, type);
      else if (
        base >= 0 &&
        base !== type &&
        offset <= 0 &&
        precision === EXACT &&
        this.isPartOf(base, type, -offset)
      )
        this.objects.learnOuter(base, offset, type);
    }
  }

  /** The structs that a value points into. `counts`: it is an access, and where nothing tells that is worth knowing. */
  typed(value: Value, counts = false): readonly (TypedPointer & { readonly precision: Precision })[] {
    const found: (TypedPointer & { readonly precision: Precision })[] = [];
    for (const { base, offset, precision } of this.pointersOf(value) ?? []) {
      if (base >= 0) found.push({ type: base, offset, precision });
      if (base >= FRAME) continue;
      const types = this.objects.typesOf(base);
      if (types.length === 0 && counts && this.accesses) this.accesses.untyped++;
      for (const known of types)
        if (known.offset === 0 || this.isWithin(known.type, offset + known.offset))
          found.push({ type: known.type, offset: offset + known.offset, precision });
    }
    return found;
  }

  /** What is a part of an object says nothing of the rest. */
  private isWithin(type: number, offset: number): boolean {
    return offset >= 0 && offset < this.program.layouts.sizeOf(type);
  }

  /** A pointer to a global variable. */
  global(address: number): Value {
    const low = address >>> 0;
    const place = this.program.placeAt(low);
    const start = place < 0 ? low : this.program.boundsOf(place)[0];
    return [{ base: this.objects.at(`variable ${start}`), offset: low - start, precision: EXACT }];
  }

  perCpu({ disp, size, base, index }: MemOperand, { address }: Insn): Value {
    if (size !== 8 || base >= 0 || index >= 0) return undefined;
    const variable = this.program.perCpuAt(disp >>> 0);
    return variable ? this.pointees(variable.type, variable.offset, address) : undefined;
  }

  /** An object that nothing is known of, had at an address of code. */
  unknown(at: number): Value {
    return [{ base: this.objects.at(`${at}`), offset: 0, precision: EXACT }];
  }

  pointersOf(value: Value): readonly Pointer[] | undefined {
    if (typeof value !== 'number') return value;
    const found = value < -0x100_0000 && value >= -0x8000_0000 ? this.global(value) : undefined;
    return isPointers(found) ? found : undefined;
  }

  /** Whether a type has another at an offset. */
  private isPartOf(inner: number, outer: number, offset: number): boolean {
    const { layouts } = this.program;
    return offset + layouts.sizeOf(inner) <= layouts.sizeOf(outer) && layouts.hasAt(outer, inner, offset);
  }

  private loaded({ base, offset, precision }: Pointer, state: State, at: number): Value {
    if (precision === ANYWHERE) return this.unknown(at);
    if (base === FRAME) {
      const held = state.slots.get(offset);
      if (held !== undefined || precision !== EXACT) return held;
      for (const { type, offset: start } of this.objects.frameTypes) {
        if (offset < start || offset >= start + this.program.layouts.sizeOf(type)) continue;
        return this.pointees(type, offset - start, at);
      }
      return undefined;
    }
    if (base >= 0) {
      const outside = offset < 0 || offset >= this.program.layouts.sizeOf(base);
      const [outer] = outside ? this.objects.outerOf(base) : [];
      return outer ? this.pointees(outer.type, offset + outer.offset, at) : this.pointees(base, offset, at);
    }
    let found: Value;
    for (const known of this.objects.typesOf(base))
      found = join(found, this.pointees(known.type, offset + known.offset, at), this.lose);
    return found ?? this.unknown(at);
  }

  private pointees(type: number, offset: number, at: number): Value {
    const { layouts } = this.program;
    const telling = layouts.pointeesAt(type, offset).filter((pointee) => layouts.tells(pointee));
    if (telling.length === 0) return this.unknown(at);
    return telling.map((base) => ({ base, offset: 0, precision: EXACT }));
  }

  private note(
    type: number,
    offset: number,
    precision: Precision,
    size: number,
    kind: number,
    bits: number,
  ): void {
    const { layouts } = this.program;
    const outside = offset < 0 || offset + size > layouts.sizeOf(type);
    const outer = outside ? this.objects.outerOf(type) : [];
    for (const one of outer) this.note(one.type, offset + one.offset, precision, size, kind, bits);
    const struct = layouts.nameOf(type);
    if (struct === undefined || outer.length > 0) return;
    const lost = precision === ANYWHERE;
    const range = precision === INDEXED ? layouts.indexedRange(type, offset, size) : { offset, size };
    this.accesses?.add({
      struct,
      ...range,
      kind,
      bits: precision === EXACT ? bits : ALL_BITS,
      lost,
      as: '',
      to: -1,
    });
  }
}

/** The byte that a mask of bits is in, where it is in one; otherwise all of them. */
function partOf(size: number, mask: number | undefined): { offset: number; size: number; bits: number } {
  const whole = { offset: 0, size, bits: ALL_BITS };
  if (mask === undefined || mask === 0) return whole;
  for (let byte = 0; byte < Math.min(size, 4); byte++) {
    const within = (mask >>> (byte * 8)) & 0xff;
    if (
      (within << (byte * 8)) >>> 0 ===
        (size === 4 || size === 8 ? mask >>> 0 : (mask & (2 ** (size * 8) - 1)) >>> 0) &&
      (size < 8 || mask > 0)
    )
      return { offset: byte, size: 1, bits: within };
  }
  return whole;
}
