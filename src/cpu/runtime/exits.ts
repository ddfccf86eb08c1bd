import type { CpuException, Exit } from '../cpu-types.js';
import { type Insn, OP_FETCH_FAULT, OP_INVALID, OP_TOO_LONG } from '../decode/instruction.js';
import { evaluateLazy, type FlagsAtSite } from '../translate/flag-state.js';
import { FLAG_BITS } from '../translate/frame.js';
import type { Site } from '../translate/site.js';
import type { CheckMode } from '../translate/translator.js';
import { CpuFault } from './guest-memory.js';
import { halfOffset, SHADOW, SHADOW_FLAGS, SHADOW_VECTORS, VECTORS } from './layout.js';
import type { Registers } from './registers.js';
import { divide128, executeSlow, type SlowContext } from './slow.js';
import type { Unit, UnitTable } from './units.js';

/** Makes the register file precise after an exit at a site, and says what to do: undefined is to go on at RIP. */
export function resolveSite(c: SlowContext, units: UnitTable, unit: Unit, number: number): Exit | undefined {
  const site = unit.translation.sites[number];
  const { regs } = c;
  for (let reg = 0; reg < 16; reg++) if (site.dirty & (1 << reg)) regs.set(reg, regs.u64(SHADOW + reg * 8));
  if (site.vectors) restoreVectors(regs, site.vectors);
  if (site.flags) restoreFlags(regs, site.flags);
  regs.rip = BigInt.asUintN(64, BigInt(site.address));
  switch (site.kind) {
    case 'budget':
      return { kind: 'budget' };
    case 'divide':
      return divide(c, site);
    case 'trap':
      return trap(c, units, unit, site.insn!);
    case 'memory':
      return memoryFault(c, units, unit, site);
    case 'string':
      return goOn(c, site.insn!);
    case 'frame':
      units.checkHarder(unit, site.entry, site.entry, 'full');
      return undefined;
    default:
      return undefined;
  }
}

const raise = (exception: CpuException): Exit => ({ kind: 'exception', exception });

/** WebAssembly trapped, which correct translations do not do: registers are as at the last call. */
export function hostTrap(error: unknown): Exit {
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError)
    return raise({ vector: 'UD', unimplemented: `host trap: ${error.message}` });
  throw error;
}

export const hostStackExit = (): Exit =>
  raise({ vector: 'SS', unimplemented: 'host functions nest too deeply' });

function restoreVectors({ space }: Registers, halves: number): void {
  for (let half = 0; half < 32; half++) {
    if (!(halves & (1 << half))) continue;
    const from = SHADOW_VECTORS + halfOffset(half);
    space.bytes.copyWithin(VECTORS + halfOffset(half), from, from + 16);
  }
}

function restoreFlags(regs: Registers, at: FlagsAtSite): void {
  let value = 0;
  FLAG_BITS.forEach(([mask, bit], i) => {
    if (at.live & mask & ~at.lazy && regs.u32(SHADOW_FLAGS + 24 + 12 + i * 4)) value |= 1 << bit;
  });
  if (at.lazy) {
    const wide = at.size === 8;
    const operand = (i: number): bigint =>
      wide ? regs.u64(SHADOW_FLAGS + i * 8) : BigInt(regs.u32(SHADOW_FLAGS + 24 + i * 4));
    value |= evaluateLazy(at, operand(0), operand(1), operand(2));
  }
  regs.flags = (regs.flags & ~at.live) | (value & at.live);
}

/** Executes an instruction by hand and goes on after it. */
function goOn(c: SlowContext, insn: Insn): Exit | undefined {
  try {
    executeSlow(c, insn);
  } catch (error) {
    if (error instanceof CpuFault) return raise(error.exception);
    throw error;
  }
  c.regs.rip = BigInt.asUintN(64, BigInt(insn.address + insn.length));
  return undefined;
}

function divide(c: SlowContext, site: Site): Exit | undefined {
  const { insn } = site;
  if (!insn) return raise({ vector: 'DE' });
  try {
    divide128(c, insn);
  } catch (error) {
    if (error instanceof CpuFault) return raise(error.exception);
    throw error;
  }
  c.regs.rip = BigInt.asUintN(64, BigInt(insn.address + insn.length));
  return undefined;
}

function memoryFault(c: SlowContext, units: UnitTable, unit: Unit, site: Site): Exit | undefined {
  const memory = site.memory!;
  let address = c.memory.address(memory);
  if (site.bitOffset) {
    const { reg, size } = site.bitOffset;
    const bit = BigInt.asIntN(size * 8, c.regs.get(reg));
    address = BigInt.asUintN(64, address + (bit >> BigInt(Math.log2(size * 8))) * BigInt(size));
  }
  if (site.align && address % BigInt(site.align) !== 0n) return raise({ vector: 'GP' });
  if (c.memory.deviceAt(address) !== undefined) {
    // Devices answer in translated code of its own mode; code that has come to one is translated so from then on.
    units.checkHarder(unit, site.entry, linearOf(site.address), 'device');
    return undefined;
  }
  const { supplied } = c.regs.space;
  const exception = c.memory.probe(address, memory.size, site.write === true);
  if (exception) return raise(exception);
  // The page had only to be brought in: the check holds now.
  if (c.regs.space.supplied !== supplied) return undefined;
  const ptr = c.memory.locate(address, site.write === true);
  const watched = memory.size <= 8 && c.regs.space.isWatched(ptr);
  if (watched && c.regs.space.shadow.firstPoisoned(ptr, memory.size) !== undefined)
    return raise({ vector: 'PF', address, access: site.write ? 'write' : 'read', poisoned: memory.size });
  // The access is good after all: it crosses pages, or goes through the direct map, or others of its range
  // are not good.
  const linear = linearOf(site.address);
  const mode = site.entry === unit.ptr ? unit.mode : 'quick';
  units.checkHarder(unit, site.entry, linear, nextMode(mode, watched, site.range === true));
  return undefined;
}

const linearOf = (address: number): number =>
  Number((BigInt.asUintN(64, BigInt(address)) & 0xffff_ffffn) ^ 0x8000_0000n);

/** How to check where a check failed although the access is good. */
function nextMode(mode: CheckMode, watched: boolean, range: boolean): CheckMode {
  if (watched && (mode === 'quick' || mode === 'patient')) return 'watched';
  return range || mode !== 'quick' ? 'full' : 'patient';
}

function trap(c: SlowContext, units: UnitTable, unit: Unit, insn: Insn): Exit | undefined {
  switch (insn.op) {
    case 'ud2':
    case OP_INVALID:
      return raise({ vector: 'UD' });
    case OP_TOO_LONG:
      return raise({ vector: 'GP' });
    case 'int3':
      return raise({ vector: 'BP' });
    case OP_FETCH_FAULT: {
      // The first byte that cannot be fetched is the start of a page.
      const { space } = c.regs;
      let ptr = insn.ptr;
      while (space.isExecutable(ptr) && ptr < insn.ptr + 15) ptr = (ptr | 4095) + 1;
      if (ptr >= insn.ptr + 15) {
        units.drop(unit); // mapped meanwhile
        return undefined;
      }
      return raise({ vector: 'PF', address: space.toAddress(ptr), access: 'execute' });
    }
    default:
      return raise({ vector: 'UD', unimplemented: describe(c, insn) });
  }
}

/** Text of an instruction that is not translated: its family and bytes, if there is no disassembler. */
function describe(c: SlowContext, insn: Insn): string {
  if (insn.op === 'hlt') return 'hlt';
  const { space } = c.regs;
  const bytes = space.bytes.slice(insn.ptr, insn.ptr + 15);
  const text = c.disassemble?.(bytes, space.toAddress(insn.ptr));
  if (text) return text;
  const shown = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `${familyOf(bytes)}opcode bytes ${shown.join(' ')}`;
}

/** What large family of instructions the bytes belong to, as the beginning of a text. */
function familyOf(bytes: Uint8Array): string {
  let at = 0;
  const isPrefix = (byte: number): boolean =>
    (byte & 0xf0) === 0x40 || [0x66, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0x67].includes(byte);
  while (at < bytes.length && isPrefix(bytes[at])) at++;
  const opcode = bytes[at];
  if (opcode === 0x62) return 'AVX-512, ';
  if (opcode === 0xc4 || opcode === 0xc5) return 'VEX, ';
  if (opcode >= 0xd8 && opcode <= 0xdf) return 'x87, ';
  const second = bytes[at + 1];
  const isMmx = opcode === 0x0f && at === 0 && ((second >= 0x60 && second < 0x80) || second >= 0xd0);
  return isMmx ? 'MMX, ' : '';
}
