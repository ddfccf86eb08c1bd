import { E_MACHINE, EM_X86_64, isElf } from '../../formats/elf/index.js';
import { whatIsIt } from '../../formats/what-is-it.js';
import { TargetError } from '../target-error.js';

/** e_machine of kernels that distributions ship (include/uapi/linux/elf-em.h). */
const MACHINES: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'ppc64',
  22: 's390x',
  40: 'ARM',
  62: 'x86-64',
  183: 'arm64',
  243: 'RISC-V',
  258: 'LoongArch',
};
const EI_DATA = 5;
const ELFDATA2MSB = 2;

/** Throws TargetError for a kernel of another architecture; anything else passes. */
export function demandX86(bytes: Uint8Array, file: string): void {
  const architecture = isElf(bytes) ? elfArchitecture(bytes) : imageArchitecture(bytes);
  if (architecture !== undefined)
    throw new TargetError(`${file} is a kernel for ${architecture}: modbox runs kernels for x86-64 only`);
}

function elfArchitecture(bytes: Uint8Array): string | undefined {
  if (bytes.length < E_MACHINE + 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const machine = view.getUint16(E_MACHINE, bytes[EI_DATA] !== ELFDATA2MSB);
  return machine === EM_X86_64 ? undefined : (MACHINES[machine] ?? `machine ${machine}`);
}

function imageArchitecture(bytes: Uint8Array): string | undefined {
  return /^a kernel image for (.*)$/.exec(whatIsIt(bytes))?.[1];
}
