import { type CpuContract, R8, R9, RAX, RCX, RDI, RDX, RSI, RSP } from '../../../cpu/cpu-types.js';
import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';

/** Registers that handlers may change, by their names in struct pt_regs. */
const GENERAL: readonly (readonly [string, number])[] = [
  ['ax', RAX],
  ['bx', 3],
  ['cx', RCX],
  ['dx', RDX],
  ['bp', 5],
  ['si', RSI],
  ['di', RDI],
  ['r8', R8],
  ['r9', R9],
  ['r10', 10],
  ['r11', 11],
  ['r12', 12],
  ['r13', 13],
  ['r14', 14],
  ['r15', 15],
];
const KERNEL_CS = 0x10;
const KERNEL_DS = 0x18;

/** The running task's registers as a struct pt_regs below its stack pointer, which is moved below that. */
export function saveRegisters(k: LinuxKernel, ip: Ptr): Ptr {
  const { cpu } = k;
  const type = k.struct('pt_regs');
  const stack = cpu.getPtr(RSP);
  const regs = (stack - type.size) & ~15;
  k.space.writable(regs, type.size).fill(0);
  for (const [name, register] of GENERAL) type.setBig(regs, name, cpu.get(register));
  type.setBig(regs, 'sp', cpu.get(RSP));
  type.setBig(regs, 'flags', cpu.rflags);
  type.setBig(regs, 'ip', k.space.toAddress(ip));
  type.set(regs, 'cs', KERNEL_CS);
  type.set(regs, 'ss', KERNEL_DS);
  cpu.setPtr(RSP, regs);
  return regs;
}

/** What handlers left in `regs`, but for the stack pointer and the flags, which are not theirs to change here. */
export function readRegisters(k: LinuxKernel, regs: Ptr): ReadonlyMap<number, bigint> {
  const type = k.struct('pt_regs');
  return new Map(GENERAL.map(([name, register]) => [register, type.getBig(regs, name)]));
}

/** Makes them the task's registers. */
export function loadRegisters(cpu: CpuContract, registers: ReadonlyMap<number, bigint>): void {
  for (const [register, value] of registers) cpu.set(register, value);
}
