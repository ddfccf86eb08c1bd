import { RAX, RCX, RDI, RDX, RSI } from '../cpu-types.js';
import { ARITHMETIC, DF, ZF } from '../decode/effects.js';
import type { Insn } from '../decode/instruction.js';
import { evaluateLazy } from '../translate/flag-state.js';
import type { SlowContext } from './slow.js';

/** Elements between two looks at the registers; keeps single steps and bulk copies apart. */
const BULK = 1n << 20n;

/**
 * String instructions (Intel SDM volume 2, REP and the instructions themselves). A fault in the middle of a
 * repeated one leaves RCX, RSI and RDI at the element that faulted, so that it can be restarted.
 */
export function executeString(c: SlowContext, insn: Insn): void {
  const { regs } = c;
  const repeated = insn.rep !== 0;
  const step = BigInt(regs.flags & DF ? -insn.size : insn.size);
  const wrap = (value: bigint): bigint => BigInt.asUintN(insn.addr32 ? 32 : 64, value);
  const count = (): bigint => wrap(regs.get(RCX));
  const advance = (reg: number, by: bigint): void => regs.set(reg, wrap(regs.get(reg) + by));
  if (!repeated) {
    element(c, insn, advance, step);
    return;
  }
  const compares = insn.op === 'cmps' || insn.op === 'scas';
  while (count() !== 0n) {
    if (step > 0n && !compares) {
      const done = bulk(c, insn, count());
      if (done > 0n) {
        const bytes = done * step;
        if (insn.op === 'movs') advance(RSI, bytes);
        advance(RDI, bytes);
        regs.set(RCX, wrap(regs.get(RCX) - done));
        continue;
      }
    }
    element(c, insn, advance, step);
    regs.set(RCX, wrap(regs.get(RCX) - 1n));
    if (compares) {
      const equal = (regs.flags & ZF) !== 0;
      if (insn.rep === 0xf3 ? !equal : equal) break;
    }
  }
}

/** Address of the source element; only it can have a segment. */
function source(c: SlowContext, insn: Insn): bigint {
  const offset = c.regs.get(RSI) & (insn.addr32 ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn);
  const base = insn.segment === 'gs' ? c.regs.gsBase : insn.segment === 'fs' ? c.regs.fsBase : 0n;
  return BigInt.asUintN(64, offset + base);
}

function destination(c: SlowContext, insn: Insn): bigint {
  return c.regs.get(RDI) & (insn.addr32 ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn);
}

function element(c: SlowContext, insn: Insn, advance: (reg: number, by: bigint) => void, step: bigint): void {
  const { regs, memory } = c;
  const { size } = insn;
  const mask = (1n << BigInt(size * 8)) - 1n;
  switch (insn.op) {
    case 'movs':
      memory.store(destination(c, insn), size, memory.load(source(c, insn), size));
      advance(RSI, step);
      advance(RDI, step);
      return;
    case 'stos':
      memory.store(destination(c, insn), size, regs.get(RAX) & mask);
      advance(RDI, step);
      return;
    case 'lods': {
      const value = memory.load(source(c, insn), size);
      regs.set(RAX, size >= 4 ? value : (regs.get(RAX) & ~mask) | value);
      advance(RSI, step);
      return;
    }
    case 'cmps': {
      const left = memory.load(source(c, insn), size);
      compare(c, insn, left, memory.load(destination(c, insn), size));
      advance(RSI, step);
      advance(RDI, step);
      return;
    }
    case 'scas':
      compare(c, insn, regs.get(RAX) & mask, memory.load(destination(c, insn), size));
      advance(RDI, step);
      return;
    case 'ins': {
      const address = destination(c, insn);
      memory.require(address, size, true);
      const port = Number(regs.get(RDX) & 0xffffn);
      memory.store(address, size, BigInt(c.platform.portIn(port, size as 1 | 2 | 4) >>> 0));
      advance(RDI, step);
      return;
    }
    case 'outs': {
      const value = Number(memory.load(source(c, insn), size));
      c.platform.portOut(Number(regs.get(RDX) & 0xffffn), size as 1 | 2 | 4, value);
      advance(RSI, step);
    }
  }
}

function compare(c: SlowContext, insn: Insn, a: bigint, b: bigint): void {
  const flags = evaluateLazy({ live: ARITHMETIC, lazy: ARITHMETIC, kind: 'sub', size: insn.size }, a, b, 0n);
  c.regs.flags = (c.regs.flags & ~ARITHMETIC) | flags;
}

/** One element after the other is looked at then. */
function meetsPoison({ regs: { space } }: SlowContext, ptr: number, bytes: number): boolean {
  return space.isWatched(ptr) && space.shadow.firstPoisoned(ptr, bytes) !== undefined;
}

/** Copies or fills as many whole elements as lie within one page of source and destination. */
function bulk(c: SlowContext, insn: Insn, count: bigint): bigint {
  if (insn.op !== 'movs' && insn.op !== 'stos') return 0n;
  const size = BigInt(insn.size);
  const to = destination(c, insn);
  const room = (address: bigint): bigint => (4096n - (address & 4095n)) / size;
  const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
  let n = least(least(count, BULK), room(to));
  const move = insn.op === 'movs';
  const from = move ? source(c, insn) : 0n;
  if (move) n = least(n, room(from));
  if (n === 0n) return 0n;
  // Copying forward onto what is still to be read repeats a pattern, which copyWithin would not.
  const distance = to - from;
  if (move && distance > 0n && distance < n * size) return 0n;
  const length = Number(n * size);
  const start = c.memory.locate(to, true);
  if (start < 0 || meetsPoison(c, start, length)) return 0n;
  const { bytes } = c.regs.space;
  if (move) {
    const at = c.memory.locate(from, false);
    if (at < 0 || meetsPoison(c, at, length)) return 0n;
    bytes.copyWithin(start, at, at + length);
    return n;
  }
  const value = c.regs.get(RAX);
  if (insn.size === 1) bytes.fill(Number(value & 0xffn), start, start + length);
  else
    for (let i = 0; i < length; i++)
      bytes[start + i] = Number((value >> BigInt((i % insn.size) * 8)) & 0xffn);
  return n;
}
