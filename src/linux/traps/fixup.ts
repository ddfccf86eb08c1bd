import { type CpuException, RAX, RCX, RDX } from '../../cpu/cpu-types.js';
import type { Ptr } from '../../cpu/layout.js';
import { EIO } from '../errno.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { type Fixup, findFixup } from './tables.js';

/** Types of exception table entries (arch/x86/include/asm/extable_fixup_types.h). */
const EX_TYPE_DEFAULT = 1;
const EX_TYPE_FAULT = 2;
const EX_TYPE_UACCESS = 3;
const EX_TYPE_COPY = 4;
const EX_TYPE_WRMSR = 8;
const EX_TYPE_RDMSR = 9;
const EX_TYPE_WRMSR_SAFE = 10;
const EX_TYPE_RDMSR_SAFE = 11;
const EX_TYPE_IMM_REG = 17;
const EX_TYPE_UCOPY_LEN = 19;

/**
 * fixup_exception(): if the faulting instruction has an exception table entry, changes the registers as its
 * type says and goes on at the fixup. False where there is no entry.
 */
export function applyFixup(
  k: LinuxKernel,
  module: Pick<LoadedModule, 'section'>,
  rip: Ptr,
  exception: CpuException,
): boolean {
  const fixup = findFixup(k, module, rip);
  if (!fixup) return false;
  if (!adjust(k, fixup, exception)) return false;
  k.cpu.rip = k.space.toAddress(fixup.to);
  return true;
}

function adjust(k: LinuxKernel, fixup: Fixup, exception: CpuException): boolean {
  const { cpu } = k;
  switch (fixup.type) {
    case EX_TYPE_DEFAULT:
    case EX_TYPE_UACCESS:
    case EX_TYPE_COPY:
    case EX_TYPE_WRMSR:
      return true;
    case EX_TYPE_FAULT:
      cpu.set(RAX, exception.vector === 'PF' ? 14n : 13n);
      return true;
    case EX_TYPE_RDMSR:
      cpu.set(RAX, 0n);
      cpu.set(RDX, 0n);
      return true;
    case EX_TYPE_WRMSR_SAFE:
    case EX_TYPE_RDMSR_SAFE:
      cpu.set(fixup.register, BigInt.asUintN(64, BigInt(-EIO)));
      return true;
    case EX_TYPE_IMM_REG:
      cpu.set(fixup.register, BigInt.asUintN(64, BigInt(fixup.immediate)));
      return true;
    case EX_TYPE_UCOPY_LEN:
      cpu.set(RCX, cpu.get(fixup.register) + BigInt(fixup.immediate) * cpu.get(RCX));
      return true;
    default:
      return false;
  }
}
