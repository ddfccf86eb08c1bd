import type { Insn, MemOperand } from '../../decode/instruction.js';
import { Op } from '../../wasm/op.js';
import { Simd } from '../../wasm/simd.js';
import type { Translator } from '../translator.js';
import { finish, halvesOf, hold, localOf, popHalf, pushZero, source } from './operands.js';

/** Moves of whole vectors: movdqa, movups and so on. */
export function move(t: Translator, insn: Insn): void {
  const a = insn.a!;
  if (a.kind === 'mem') {
    store(t, insn, a);
    return;
  }
  const from = source(t, insn, insn.b!);
  for (const half of halvesOf(insn)) {
    from.push(half);
    popHalf(t, a, half);
  }
  finish(t, insn);
}

function store(t: Translator, insn: Insn, to: MemOperand): void {
  t.access(to, to.size, true, insn.vector?.align ?? 1);
  for (const half of halvesOf(insn)) {
    t.pushLinear();
    t.w.get(localOf(t, insn.b!, half));
    t.w.simdMemory(Simd.store, t.linearOffset + half * 16);
  }
}

/** Stores a 64-bit or 32-bit lane to memory. */
function storeLane(t: Translator, insn: Insn, to: MemOperand, lane: number): void {
  t.access(to, to.size, true);
  t.w.get(localOf(t, insn.b!, 0));
  t.w.simdLane(to.size === 8 ? Simd.i64x2Extract : Simd.i32x4Extract, lane);
  t.store(to.size);
}

/** Pops an i32 or i64 and pushes it as a vector's lowest element, the others zero. */
function widen(t: Translator, size: number): void {
  const { w } = t;
  const value = t.temp(size);
  w.set(value);
  pushZero(t);
  w.get(value);
  w.simdLane(size === 8 ? Simd.i64x2Replace : Simd.i32x4Replace, 0);
}

/** movd and movq between vector and general registers or memory. */
export function moveGeneral(t: Translator, insn: Insn): void {
  const a = insn.a!;
  const b = insn.b!;
  if (a.kind === 'vec') {
    const { size } = b as { size: number };
    if (b.kind === 'mem') source(t, insn, b).push(0);
    else {
      t.pushOperand(b, size);
      widen(t, size);
    }
    popHalf(t, a, 0);
    finish(t, insn);
  } else if (a.kind === 'mem') storeLane(t, insn, a, 0);
  else if (a.kind === 'reg') {
    t.w.get(localOf(t, b, 0));
    t.w.simdLane(a.size === 8 ? Simd.i64x2Extract : Simd.i32x4Extract, 0);
    t.popOperand(a, a.size);
  }
}

/** movq between vector registers or memory: the upper 64 bits are cleared. */
export function moveQuad(t: Translator, insn: Insn): void {
  const a = insn.a!;
  const b = insn.b!;
  if (a.kind === 'mem') {
    storeLane(t, insn, a, 0);
    return;
  }
  source(t, insn, b).push(0);
  if (b.kind === 'vec') {
    t.w.v128([255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
    t.w.simd(Simd.and);
  }
  popHalf(t, a, 0);
  finish(t, insn);
}

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

/** movss, movsd: a scalar from memory, to memory, or into another register that keeps the rest. */
export function moveScalar(t: Translator, insn: Insn): void {
  const a = insn.a!;
  const bytes = insn.op === 'movss' ? 4 : 8;
  if (a.kind === 'mem') {
    storeLane(t, insn, a, 0);
    return;
  }
  if (!insn.c) source(t, insn, insn.b!).push(0);
  else {
    t.w.get(localOf(t, insn.c, 0));
    t.w.get(localOf(t, insn.b!, 0));
    t.w.shuffle([...range(0, bytes), ...range(16 + bytes, 16 - bytes)]);
  }
  popHalf(t, a, 0);
  finish(t, insn);
}

/** movlps, movhps, movlpd, movhpd, movhlps, movlhps: 64-bit halves of an XMM register. */
export function moveHalf(t: Translator, insn: Insn): void {
  const { w } = t;
  const { op } = insn;
  const a = insn.a!;
  const high = op.startsWith('movhp');
  if (a.kind === 'mem') {
    storeLane(t, insn, a, high ? 1 : 0);
    return;
  }
  const from = source(t, insn, insn.c!);
  w.get(localOf(t, insn.b!, 0));
  from.push(0);
  if (op === 'movhlps') w.shuffle([...range(24, 8), ...range(8, 8)]);
  else if (op === 'movlhps' || high) w.shuffle([...range(0, 8), ...range(16, 8)]);
  else w.shuffle([...range(16, 8), ...range(8, 8)]);
  popHalf(t, a, 0);
  finish(t, insn);
}

/** vzeroupper, vzeroall. */
export function zero(t: Translator, insn: Insn): void {
  for (let reg = 0; reg < 16; reg++) {
    const operand = { kind: 'vec', reg, size: 16 } as const;
    if (insn.op === 'zeroall') {
      pushZero(t);
      popHalf(t, operand, 0);
    }
    pushZero(t);
    popHalf(t, operand, 1);
  }
}

const LANES: Readonly<Record<number, readonly [extract: number, replace: number]>> = {
  1: [Simd.i8x16ExtractU, Simd.i8x16Replace],
  2: [Simd.i16x8ExtractU, Simd.i16x8Replace],
  4: [Simd.i32x4Extract, Simd.i32x4Replace],
  8: [Simd.i64x2Extract, Simd.i64x2Replace],
};

const laneBytes = (insn: Insn): number =>
  insn.op.endsWith('b') ? 1 : insn.op.endsWith('w') ? 2 : insn.op === 'extractps' ? 4 : insn.size;

/** pinsrb, pinsrw, pinsrd, pinsrq. */
export function insert(t: Translator, insn: Insn): void {
  const bytes = laneBytes(insn);
  const lane = insn.vector!.imm & (16 / bytes - 1);
  const value = t.temp(bytes);
  t.pushOperand(insn.c!, bytes);
  t.w.set(value);
  t.w.get(localOf(t, insn.b!, 0));
  t.w.get(value);
  t.w.simdLane(LANES[bytes][1], lane);
  popHalf(t, insn.a!, 0);
  finish(t, insn);
}

/** pextrb, pextrw, pextrd, pextrq, extractps. */
export function extract(t: Translator, insn: Insn): void {
  const a = insn.a!;
  const bytes = laneBytes(insn);
  const lane = insn.vector!.imm & (16 / bytes - 1);
  if (a.kind === 'mem') t.access(a, bytes, true);
  t.w.get(localOf(t, insn.b!, 0));
  t.w.simdLane(LANES[bytes][0], lane);
  if (a.kind === 'mem') t.store(bytes);
  else t.popOperand(a, bytes === 8 ? 8 : 4);
}

/** insertps: one element of the second operand to one place, then some places cleared. */
export function insertElement(t: Translator, insn: Insn): void {
  const { w } = t;
  const { imm } = insn.vector!;
  const c = insn.c!;
  const from = source(t, insn, c);
  w.get(localOf(t, insn.b!, 0));
  from.push(0);
  w.simdLane(Simd.i32x4Extract, c.kind === 'vec' ? imm >> 6 : 0);
  w.simdLane(Simd.i32x4Replace, (imm >> 4) & 3);
  if (imm & 15) {
    w.v128(range(0, 16).map((byte) => ((imm >> (byte >> 2)) & 1 ? 0 : 255)));
    w.simd(Simd.and);
  }
  popHalf(t, insn.a!, 0);
  finish(t, insn);
}

/** pmovmskb, movmskps, movmskpd: signs of all elements as bits. */
export function signMask(t: Translator, insn: Insn): void {
  const { w } = t;
  const [op, bits] =
    insn.op === 'pmovmskb'
      ? [Simd.i8x16Bitmask, 16]
      : insn.op === 'movmskps'
        ? [Simd.i32x4Bitmask, 4]
        : [Simd.i64x2Bitmask, 2];
  const from = source(t, insn, insn.b!);
  for (const half of halvesOf(insn)) {
    from.push(half);
    w.simd(op);
    if (half === 1) {
      w.i32(bits);
      w.op(Op.i32Shl, Op.i32Or);
    }
  }
  t.popOperand(insn.a!, 4);
}

const SPLATS: Readonly<Record<string, readonly [bytes: number, load: number, splat: number]>> = {
  pbroadcastb: [1, Simd.load8Splat, Simd.i8x16Splat],
  pbroadcastw: [2, Simd.load16Splat, Simd.i16x8Splat],
  pbroadcastd: [4, Simd.load32Splat, Simd.i32x4Splat],
  pbroadcastq: [8, Simd.load64Splat, Simd.i64x2Splat],
  broadcastss: [4, Simd.load32Splat, Simd.i32x4Splat],
  broadcastsd: [8, Simd.load64Splat, Simd.i64x2Splat],
};

export const BROADCASTS = Object.keys(SPLATS);

/** The lowest element to all places. */
export function broadcast(t: Translator, insn: Insn): void {
  const { w } = t;
  const b = insn.b!;
  const [bytes, load, splat] = SPLATS[insn.op];
  if (b.kind === 'mem') {
    t.access(b, bytes, false);
    t.pushLinear();
    w.simdMemory(load, t.linearOffset);
  } else {
    w.get(localOf(t, b, 0));
    w.simdLane(LANES[bytes][0], 0);
    w.simd(splat);
  }
  const value = hold(t);
  for (const half of halvesOf(insn)) {
    w.get(value);
    popHalf(t, insn.a!, half);
  }
  finish(t, insn);
}

/** broadcasti128, broadcastf128. */
export function broadcastHalf(t: Translator, insn: Insn): void {
  const value = source(t, insn, insn.b!).local(0);
  for (const half of halvesOf(insn)) {
    t.w.get(value);
    popHalf(t, insn.a!, half);
  }
}
