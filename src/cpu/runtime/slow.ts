import { type CpuException, type Platform, RSP } from '../cpu-types.js';
import { AF, CF, DF, IF, OF, PF, SF, ZF } from '../decode/effects.js';
import type { Insn, MemOperand, Operand } from '../decode/instruction.js';
import { type CheckedMemory, CpuFault } from './guest-memory.js';
import { KERNEL_GS_BASE, MXCSR } from './layout.js';
import { FLAG_AC, type Registers } from './registers.js';
import { executeSlowVector } from './slow-vector.js';
import { executeString } from './strings.js';

/** What instructions executed by the host work on. */
export interface SlowContext {
  readonly regs: Registers;
  readonly memory: CheckedMemory;
  readonly platform: Platform;
  readonly disassemble?: ((code: Uint8Array, address: bigint) => string | undefined) | undefined;
}

export const bitsOf = (size: number): bigint => (1n << BigInt(size * 8)) - 1n;

const MSR_EFER = 0xc000_0080;
/** Secure virtual machines are enabled. */
const EFER_SVME = 1n << 12n;

/** Executes an instruction on the register file. Throws CpuFault before anything was modified. */
export function executeSlow(c: SlowContext, insn: Insn): void {
  if (insn.vector) {
    executeSlowVector(c, insn);
    return;
  }
  const handler = handlers[insn.op];
  if (!handler) throw new CpuFault({ vector: 'UD', unimplemented: insn.op });
  handler(c, insn);
}

export function readRegister(regs: Registers, operand: Operand & { kind: 'reg' }, size: number): bigint {
  const value = operand.high ? regs.get(operand.reg) >> 8n : regs.get(operand.reg);
  return value & bitsOf(size);
}

export function writeRegister(regs: Registers, reg: number, size: number, value: bigint, high = false): void {
  if (size >= 4) regs.set(reg, value & bitsOf(size));
  else {
    const shift = high ? 8n : 0n;
    const mask = bitsOf(size) << shift;
    regs.set(reg, (regs.get(reg) & ~mask) | ((value << shift) & mask));
  }
}

function read(c: SlowContext, operand: Operand, size: number): bigint {
  if (operand.kind === 'reg') return readRegister(c.regs, operand, size);
  if (operand.kind === 'imm') return BigInt(operand.value) & bitsOf(size);
  if (operand.kind === 'vec') throw new Error('a vector register where a general operand belongs');
  return c.memory.load(c.memory.address(operand), size);
}

function write(c: SlowContext, operand: Operand, size: number, value: bigint): void {
  if (operand.kind === 'reg') writeRegister(c.regs, operand.reg, size, value, operand.high);
  else if (operand.kind === 'mem') c.memory.store(c.memory.address(operand), size, value);
}

function setFlags(regs: Registers, mask: number, values: number): void {
  regs.flags = (regs.flags & ~mask) | (values & mask);
}

/** Bits of MXCSR that may be set. */
const MXCSR_BITS = 0xffffn;
const generalProtection: CpuException = { vector: 'GP' };

/** rcl and rcr: rotates through CF (Intel SDM volume 2, RCL). OF is defined for a count of one. */
function rotateThroughCarry(c: SlowContext, insn: Insn): void {
  const { size } = insn;
  const bits = size * 8;
  const dest = insn.a!;
  const left = insn.op === 'rcl';
  const raw = Number(read(c, insn.b!, 1)) & (size === 8 ? 63 : 31);
  const count = BigInt(size < 4 ? raw % (bits + 1) : raw);
  if (dest.kind === 'mem') c.memory.require(c.memory.address(dest), size, true);
  const value = read(c, dest, size);
  if (count === 0n) {
    write(c, dest, size, value);
    return;
  }
  const carry = BigInt(c.regs.flags & CF);
  const width = BigInt(bits + 1);
  const all = (carry << BigInt(bits)) | value;
  const by = left ? count : width - count;
  const rotated = ((all << by) | (all >> (width - by))) & ((1n << width) - 1n);
  const result = rotated & bitsOf(size);
  const cf = Number(rotated >> BigInt(bits));
  const top = Number(result >> BigInt(bits - 1));
  const of = left ? top ^ cf : top ^ Number((result >> BigInt(bits - 2)) & 1n);
  write(c, dest, size, result);
  setFlags(c.regs, CF | OF, (cf ? CF : 0) | (of ? OF : 0));
}

function push(c: SlowContext, size: number, value: bigint): void {
  const rsp = BigInt.asUintN(64, c.regs.get(RSP) - BigInt(size));
  c.memory.store(rsp, size, value);
  c.regs.set(RSP, rsp);
}

/** Flags that popf changes at privilege level 0, less those that modbox has no notion of (TF, NT, VM). */
const FLAG_ID = 0x20_0000;
const POPF_MASK = CF | PF | AF | ZF | SF | IF | DF | OF | FLAG_AC | FLAG_ID;

function enter(c: SlowContext, insn: Insn): void {
  const frame = insn.a?.kind === 'imm' ? insn.a.value : 0;
  const level = insn.b?.kind === 'imm' ? insn.b.value : 0;
  if (level !== 0) throw new CpuFault({ vector: 'UD', unimplemented: 'enter with nesting' });
  const rsp = BigInt.asUintN(64, c.regs.get(RSP) - 8n);
  c.memory.store(rsp, 8, c.regs.get(5));
  c.regs.set(5, rsp);
  c.regs.set(RSP, BigInt.asUintN(64, rsp - BigInt(frame)));
}

function compareExchangePair(c: SlowContext, insn: Insn): void {
  const half = insn.op === 'cmpxchg16b' ? 8 : 4;
  const address = c.memory.address(insn.a as MemOperand);
  if (half === 8 && (address & 15n) !== 0n) throw new CpuFault(generalProtection);
  c.memory.require(address, half * 2, true);
  const shift = BigInt(half * 8);
  const mask = bitsOf(half);
  const old = c.memory.load(address, half * 2);
  const expected = ((c.regs.get(2) & mask) << shift) | (c.regs.get(0) & mask);
  if (old === expected) {
    c.memory.store(address, half * 2, ((c.regs.get(1) & mask) << shift) | (c.regs.get(3) & mask));
    setFlags(c.regs, ZF, ZF);
  } else {
    c.regs.set(0, old & mask);
    c.regs.set(2, old >> shift);
    setFlags(c.regs, ZF, 0);
  }
}

function deposit(source: bigint, mask: bigint): bigint {
  let out = 0n;
  let rest = source;
  for (let bit = 1n; bit <= mask; bit <<= 1n)
    if (mask & bit) {
      if (rest & 1n) out |= bit;
      rest >>= 1n;
    }
  return out;
}

function extract(source: bigint, mask: bigint): bigint {
  let out = 0n;
  let to = 1n;
  for (let bit = 1n; bit <= mask; bit <<= 1n)
    if (mask & bit) {
      if (source & bit) out |= to;
      to <<= 1n;
    }
  return out;
}

function setPair(regs: Registers, value: bigint): void {
  regs.set(0, value & 0xffff_ffffn);
  regs.set(2, (value >> 32n) & 0xffff_ffffn);
}

function random(c: SlowContext, insn: Insn): void {
  write(c, insn.a!, insn.size, c.platform.random() & bitsOf(insn.size));
  setFlags(c.regs, CF | OF | SF | ZF | AF | PF, CF);
}

const string = (c: SlowContext, insn: Insn): void => executeString(c, insn);

function portNumber(c: SlowContext, insn: Insn): number {
  return insn.a?.kind === 'imm' ? insn.a.value : Number(c.regs.get(2) & 0xffffn);
}

const handlers: Record<string, (c: SlowContext, insn: Insn) => void> = {
  rcl: rotateThroughCarry,
  rcr: rotateThroughCarry,
  movs: string,
  stos: string,
  lods: string,
  cmps: string,
  scas: string,
  ins: string,
  outs: string,
  enter,
  cmpxchg8b: compareExchangePair,
  cmpxchg16b: compareExchangePair,
  rdrand: random,
  rdseed: random,
  pushf: (c, insn) => push(c, insn.size, BigInt(c.regs.flags) & bitsOf(insn.size)),
  popf(c, insn) {
    const rsp = c.regs.get(RSP);
    const value = Number(c.memory.load(rsp, insn.size) & 0xffff_ffffn);
    const mask = insn.size === 2 ? POPF_MASK & 0xffff : POPF_MASK;
    setFlags(c.regs, mask, value);
    c.regs.set(RSP, BigInt.asUintN(64, rsp + BigInt(insn.size)));
  },
  cli: (c) => setFlags(c.regs, IF, 0),
  sti: (c) => setFlags(c.regs, IF, IF),
  clac: (c) => setFlags(c.regs, FLAG_AC, 0),
  stac: (c) => setFlags(c.regs, FLAG_AC, FLAG_AC),
  cld: (c) => setFlags(c.regs, DF, 0),
  std: (c) => setFlags(c.regs, DF, DF),
  xlat(c, insn) {
    const memory: MemOperand = {
      kind: 'mem',
      base: 3,
      index: -1,
      scale: 1,
      disp: Number(c.regs.get(0) & 0xffn),
      segment: insn.segment,
      size: 1,
      addr32: insn.addr32,
    };
    writeRegister(c.regs, 0, 1, c.memory.load(c.memory.address(memory), 1));
  },
  pdep: (c, insn) =>
    write(c, insn.a!, insn.size, deposit(read(c, insn.b!, insn.size), read(c, insn.c!, insn.size))),
  pext: (c, insn) =>
    write(c, insn.a!, insn.size, extract(read(c, insn.b!, insn.size), read(c, insn.c!, insn.size))),
  in(c, insn) {
    const size = insn.size as 1 | 2 | 4;
    writeRegister(c.regs, 0, size, BigInt(c.platform.portIn(portNumber(c, insn), size) >>> 0));
  },
  out(c, insn) {
    const size = insn.size as 1 | 2 | 4;
    c.platform.portOut(portNumber(c, insn), size, Number(c.regs.get(0) & bitsOf(size)));
  },
  cpuid(c) {
    const values = c.platform.cpuid(c.regs.low(0), c.regs.low(1));
    [0, 3, 1, 2].forEach((reg, i) => {
      c.regs.set(reg, BigInt(values[i] >>> 0));
    });
  },
  rdtsc: (c) => setPair(c.regs, c.platform.rdtsc()),
  rdtscp(c) {
    setPair(c.regs, c.platform.rdtsc());
    c.regs.set(1, 0n);
  },
  rdmsr(c) {
    const value = c.platform.rdmsr(c.regs.low(1));
    if (value === undefined) throw new CpuFault(generalProtection);
    setPair(c.regs, value);
  },
  wrmsr(c) {
    const value = (BigInt(c.regs.low(2)) << 32n) | BigInt(c.regs.low(0));
    if (!c.platform.wrmsr(c.regs.low(1), value)) throw new CpuFault(generalProtection);
  },
  xgetbv(c) {
    if (c.regs.low(1) !== 0) throw new CpuFault(generalProtection);
    setPair(c.regs, 7n); // x87, SSE and AVX state
  },
  /** Sets the global interrupt flag, which nothing here clears: there are no guests. */
  stgi(c) {
    if (((c.platform.rdmsr(MSR_EFER) ?? 0n) & EFER_SVME) === 0n) throw new CpuFault({ vector: 'UD' });
  },
  swapgs(c) {
    const other = c.regs.u64(KERNEL_GS_BASE);
    c.regs.setU64(KERNEL_GS_BASE, c.regs.gsBase);
    c.regs.gsBase = other;
  },
  clts: () => undefined,
  movfromcr(c, insn) {
    const register = insn.b?.kind === 'imm' ? insn.b.value : 0;
    if (![0, 2, 3, 4, 8].includes(register)) throw new CpuFault({ vector: 'UD' });
    write(c, insn.a!, 8, c.platform.readControl(register));
  },
  movtocr(c, insn) {
    const register = insn.b?.kind === 'imm' ? insn.b.value : 0;
    if (![0, 2, 3, 4, 8].includes(register)) throw new CpuFault({ vector: 'UD' });
    if (!c.platform.writeControl(register, read(c, insn.a!, 8))) throw new CpuFault(generalProtection);
  },
  /** ES, CS, SS, DS, FS, GS as the kernel has them. */
  movfromseg(c, insn) {
    const index = insn.b?.kind === 'imm' ? insn.b.value : 0;
    const size = insn.a?.kind === 'mem' ? 2 : insn.size;
    write(c, insn.a!, size, [0n, 0x10n, 0x18n, 0n, 0n, 0n][index]);
  },
  ldmxcsr(c, insn) {
    const value = read(c, insn.a!, 4);
    if (value & ~MXCSR_BITS) throw new CpuFault(generalProtection);
    c.regs.setU32(MXCSR, Number(value));
  },
  stmxcsr: (c, insn) => write(c, insn.a!, 4, BigInt(c.regs.u32(MXCSR))),
  rdfsbase: (c, insn) => write(c, insn.a!, (insn.a as { size: number }).size, c.regs.fsBase),
  rdgsbase: (c, insn) => write(c, insn.a!, (insn.a as { size: number }).size, c.regs.gsBase),
  wrfsbase(c, insn) {
    c.regs.fsBase = read(c, insn.a!, (insn.a as { size: number }).size);
  },
  wrgsbase(c, insn) {
    c.regs.gsBase = read(c, insn.a!, (insn.a as { size: number }).size);
  },
  rdpid: (c, insn) => write(c, insn.a!, 8, 0n),
};

/** 64-bit div and idiv with a 128-bit dividend. */
export function divide128(c: SlowContext, insn: Insn): void {
  const divisor = read(c, insn.a!, 8);
  const dividend = (c.regs.get(2) << 64n) | c.regs.get(0);
  const signed = insn.op === 'idiv';
  const y = signed ? BigInt.asIntN(64, divisor) : divisor;
  const x = signed ? BigInt.asIntN(128, dividend) : dividend;
  if (y === 0n) throw new CpuFault({ vector: 'DE' });
  const quotient = x / y;
  const fits = signed ? BigInt.asIntN(64, quotient) === quotient : quotient <= bitsOf(8);
  if (!fits) throw new CpuFault({ vector: 'DE' });
  c.regs.set(0, BigInt.asUintN(64, quotient));
  c.regs.set(2, BigInt.asUintN(64, x - quotient * y));
}
