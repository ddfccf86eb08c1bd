import { ARITHMETIC, CF, ZF } from '../decode/effects.js';
import type { Insn, MemOperand, Operand, VecOperand } from '../decode/instruction.js';
import { fusedMultiplyAdd } from './fused.js';
import { CpuFault } from './guest-memory.js';
import { halfOffset, VECTORS } from './layout.js';
import type { SlowContext } from './slow.js';
import { compareStrings } from './string-compare.js';

/** Vector instructions that are too rare or too unlike WebAssembly's to be translated, on the register file. */
export function executeSlowVector(c: SlowContext, insn: Insn): void {
  const handler = handlerOf(insn.op);
  if (!handler) throw new CpuFault({ vector: 'UD', unimplemented: insn.op });
  handler(c, insn);
}

const sizeOf = (insn: Insn): number => insn.vector!.size;

/** A copy of an operand's bytes. */
function read(c: SlowContext, insn: Insn, operand: Operand): Uint8Array {
  const { bytes } = c.regs.space;
  if (operand.kind === 'mem') {
    const at = c.memory.require(addressOf(c, insn, operand), operand.size, false);
    return bytes.slice(at, at + operand.size);
  }
  const at = VECTORS + halfOffset((operand as VecOperand).reg);
  return bytes.slice(at, at + sizeOf(insn));
}

function addressOf(c: SlowContext, insn: Insn, operand: MemOperand): bigint {
  const address = c.memory.address(operand);
  if (address % BigInt(insn.vector!.align) !== 0n) throw new CpuFault({ vector: 'GP' });
  return address;
}

/** Writes a register's lower part; VEX clears what is above. */
function writeRegister(c: SlowContext, insn: Insn, reg: number, value: Uint8Array): void {
  const { bytes } = c.regs.space;
  const at = VECTORS + halfOffset(reg);
  bytes.set(value, at);
  if (insn.vector!.vex) bytes.fill(0, at + value.length, at + 32);
}

const destination = (insn: Insn): number => (insn.a as VecOperand).reg;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

function setFlags(c: SlowContext, values: number): void {
  c.regs.flags = (c.regs.flags & ~ARITHMETIC) | values;
}

/** vtestps, vtestpd: as ptest, of sign bits only. */
function testSigns(c: SlowContext, insn: Insn): void {
  const bytes = insn.op === 'testps' ? 4 : 8;
  const [a, b] = [read(c, insn, insn.a!), read(c, insn, insn.b!)];
  let both = false;
  let onlySecond = false;
  for (let at = bytes - 1; at < a.length; at += bytes) {
    if (!(b[at] & 0x80)) continue;
    if (a[at] & 0x80) both = true;
    else onlySecond = true;
  }
  setFlags(c, (both ? 0 : ZF) | (onlySecond ? 0 : CF));
}

/** vmaskmovps, vpmaskmovd and so on: elements whose sign is clear in the mask are not accessed. */
function maskedMove(c: SlowContext, insn: Insn): void {
  const bytes = insn.op === 'maskmovps' || insn.op === 'pmaskmovd' ? 4 : 8;
  const mask = read(c, insn, insn.b!);
  const chosen: number[] = [];
  for (let at = 0; at < mask.length; at += bytes) if (mask[at + bytes - 1] & 0x80) chosen.push(at);
  const store = insn.a!.kind === 'mem';
  const address = c.memory.address((store ? insn.a : insn.c) as MemOperand);
  const places = chosen.map((at) => c.memory.require(BigInt.asUintN(64, address + BigInt(at)), bytes, store));
  const memory = c.regs.space.bytes;
  const value = store ? read(c, insn, insn.c!) : new Uint8Array(mask.length);
  chosen.forEach((at, i) => {
    if (store) memory.set(value.subarray(at, at + bytes), places[i]);
    else value.set(memory.subarray(places[i], places[i] + bytes), at);
  });
  if (!store) writeRegister(c, insn, destination(insn), value);
}

/** phminposuw: the smallest of eight words and where it is. */
function minimumPosition(c: SlowContext, insn: Insn): void {
  const words = viewOf(read(c, insn, insn.b!));
  let best = 0;
  for (let i = 1; i < 8; i++) if (words.getUint16(i * 2, true) < words.getUint16(best * 2, true)) best = i;
  const out = new Uint8Array(16);
  viewOf(out).setUint16(0, words.getUint16(best * 2, true), true);
  out[2] = best;
  writeRegister(c, insn, destination(insn), out);
}

/** mpsadbw: sums of four absolute differences, at eight offsets in the first operand. */
function sumsOfDifferences(c: SlowContext, insn: Insn): void {
  const [x, y] = [read(c, insn, insn.b!), read(c, insn, insn.c!)];
  const out = new Uint8Array(sizeOf(insn));
  for (let half = 0; half < out.length; half += 16) {
    const control = insn.vector!.imm >> (half ? 3 : 0);
    const first = half + (control & 4);
    const second = half + (control & 3) * 4;
    for (let i = 0; i < 8; i++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += Math.abs(x[first + i + k] - y[second + k]);
      viewOf(out).setUint16(half + i * 2, sum, true);
    }
  }
  writeRegister(c, insn, destination(insn), out);
}

/** dpps, dppd: products that the high bits of the immediate choose, added, to places that the low bits choose. */
function dotProduct(c: SlowContext, insn: Insn): void {
  const single = insn.op === 'dpps';
  const bytes = single ? 4 : 8;
  const { imm } = insn.vector!;
  const [x, y] = [viewOf(read(c, insn, insn.b!)), viewOf(read(c, insn, insn.c!))];
  const out = new Uint8Array(sizeOf(insn));
  const get = (view: DataView, at: number): number =>
    single ? view.getFloat32(at, true) : view.getFloat64(at, true);
  const round = (value: number): number => (single ? Math.fround(value) : value);
  for (let half = 0; half < out.length; half += 16) {
    const products = Array.from({ length: 16 / bytes }, (_, i) =>
      (imm >> (4 + i)) & 1 ? round(get(x, half + i * bytes) * get(y, half + i * bytes)) : 0,
    );
    const low = round(products[0] + products[1]);
    const sum = single ? round(low + round(products[2] + products[3])) : low;
    for (let i = 0; i < products.length; i++) {
      const value = (imm >> i) & 1 ? sum : 0;
      if (single) viewOf(out).setFloat32(half + i * 4, value, true);
      else viewOf(out).setFloat64(half + i * 8, value, true);
    }
  }
  writeRegister(c, insn, destination(insn), out);
}

/** maskmovdqu: bytes whose sign is set in the mask, to where RDI points. */
function maskedBytes(c: SlowContext, insn: Insn): void {
  const [value, mask] = [read(c, insn, insn.a!), read(c, insn, insn.b!)];
  const base = { kind: 'mem', base: 7, index: -1, scale: 1, disp: 0, size: 1 } as const;
  const address = c.memory.address({ ...base, segment: insn.segment, addr32: insn.addr32 });
  const chosen = [...mask.keys()].filter((i) => i < 16 && mask[i] & 0x80);
  const places = chosen.map((i) => c.memory.require(BigInt.asUintN(64, address + BigInt(i)), 1, true));
  chosen.forEach((i, n) => {
    c.regs.space.bytes[places[n]] = value[i];
  });
}

const ORDERS: Readonly<Record<string, readonly [x: number, y: number, z: number]>> = {
  '132': [0, 2, 1],
  '213': [1, 0, 2],
  '231': [1, 2, 0],
};

/** FMA: the digits say which operands are multiplied and which is added. */
function fused(c: SlowContext, insn: Insn): void {
  const [, name, digits, kind] = /^([a-z]+)(\d+)(..)$/.exec(insn.op)!;
  const single = kind[1] === 's';
  const bytes = single ? 4 : 8;
  const operands = [insn.a!, insn.b!, insn.c!].map((operand) => viewOf(read(c, insn, operand)));
  const [x, y, z] = ORDERS[digits].map((index) => operands[index]);
  const out = read(c, insn, insn.a!).slice(0, sizeOf(insn));
  const count = kind[0] === 's' ? 1 : out.length / bytes;
  const get = (view: DataView, i: number): number =>
    single ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true);
  for (let i = 0; i < count; i++) {
    const subtracts = name.endsWith('addsub')
      ? i % 2 === 0
      : name.endsWith('subadd')
        ? i % 2 === 1
        : name.endsWith('sub');
    const product = name.startsWith('fn') ? -get(x, i) : get(x, i);
    const value = fusedMultiplyAdd(product, get(y, i), subtracts ? -get(z, i) : get(z, i), single);
    if (single) viewOf(out).setFloat32(i * 4, value, true);
    else viewOf(out).setFloat64(i * 8, value, true);
  }
  writeRegister(c, insn, destination(insn), out);
}

/** The single-precision bits of a half-precision number (IEEE 754); NaN becomes quiet and keeps its payload. */
function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) << 16;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return sign | 0x7f80_0000 | (fraction << 13) | (fraction ? 0x40_0000 : 0);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  const single = new Float32Array([fraction * 2 ** -24]);
  return sign | new Int32Array(single.buffer)[0];
}

/** Half precision of a number, rounded to nearest, ties to even, or by the two bits of an immediate. */
function toHalf(value: number, mode: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (magnitude === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -30)));
  const scaled = magnitude / 2 ** (exponent - 10);
  const down = Math.floor(scaled);
  const rest = scaled - down;
  const up =
    mode === 0
      ? rest > 0.5 || (rest === 0.5 && down % 2 === 1)
      : mode === 3
        ? false
        : rest > 0 && (mode === 1) === sign > 0;
  const bits = down + (up ? 1 : 0) + (exponent + 14) * 1024;
  const overflow = mode === 0 || (mode !== 3 && (mode === 1) === sign > 0) ? 0x7c00 : 0x7bff;
  return sign | (bits >= 0x7c00 ? overflow : bits);
}

function halfToSingle(c: SlowContext, insn: Insn): void {
  const from = viewOf(read(c, insn, insn.b!));
  const out = new Uint8Array(sizeOf(insn));
  for (let i = 0; i < out.length / 4; i++)
    viewOf(out).setInt32(i * 4, fromHalf(from.getUint16(i * 2, true)), true);
  writeRegister(c, insn, destination(insn), out);
}

function singleToHalf(c: SlowContext, insn: Insn): void {
  const { imm } = insn.vector!;
  const from = viewOf(read(c, insn, insn.b!));
  const out = new Uint8Array(sizeOf(insn) / 2);
  const mode = imm & 4 ? 0 : imm & 3;
  for (let i = 0; i < out.length / 2; i++)
    viewOf(out).setUint16(i * 2, toHalf(from.getFloat32(i * 4, true), mode), true);
  if (insn.a!.kind === 'mem') {
    const at = c.memory.require(c.memory.address(insn.a as MemOperand), out.length, true);
    c.regs.space.bytes.set(out, at);
    return;
  }
  const full = new Uint8Array(16);
  full.set(out);
  writeRegister(c, insn, destination(insn), full);
}

/** pcmpestri, pcmpestrm, pcmpistri, pcmpistrm. */
function stringCompare(c: SlowContext, insn: Insn): void {
  const explicit = insn.op.startsWith('pcmpe');
  const wide = insn.size === 8;
  const length = (reg: number): bigint =>
    wide ? BigInt.asIntN(64, c.regs.get(reg)) : BigInt.asIntN(32, c.regs.get(reg));
  const [a, b] = [read(c, insn, insn.a!), read(c, insn, insn.b!)];
  const { mask, index, flags } = compareStrings({
    a,
    b,
    imm: insn.vector!.imm,
    lengths: explicit ? [length(0), length(2)] : undefined,
  });
  if (insn.op.endsWith('i')) c.regs.set(1, BigInt(index));
  else writeRegister(c, insn, 0, mask);
  setFlags(c, flags);
}

const handlers: Readonly<Record<string, (c: SlowContext, insn: Insn) => void>> = {
  testps: testSigns,
  testpd: testSigns,
  maskmovps: maskedMove,
  maskmovpd: maskedMove,
  pmaskmovd: maskedMove,
  pmaskmovq: maskedMove,
  maskmovdqu: maskedBytes,
  phminposuw: minimumPosition,
  mpsadbw: sumsOfDifferences,
  dpps: dotProduct,
  dppd: dotProduct,
  cvtph2ps: halfToSingle,
  cvtps2ph: singleToHalf,
  pcmpestri: stringCompare,
  pcmpestrm: stringCompare,
  pcmpistri: stringCompare,
  pcmpistrm: stringCompare,
};

const handlerOf = (op: string): ((c: SlowContext, insn: Insn) => void) | undefined =>
  /^fn?m(add|sub)/.test(op) ? fused : handlers[op];

/** Whether there is a function for an instruction; for the check that the decoder's table has no other. */
export const isExecuted = (op: string): boolean => handlerOf(op) !== undefined;
