import type { Platform } from '../../cpu/cpu-types.js';
import type { Random } from '../random.js';
import { cpuid } from './features.js';
import { ModelSpecificRegisters } from './msr.js';

/** Cycles of the time-stamp counter per nanosecond of virtual time. */
const TSC_PER_NS = 2.596;
/** CR0 with paging, write protect and protection; CR4 with PAE, OSFXSR, OSXSAVE, SMEP, SMAP and PKE: as 6.1 sets them in QEMU. */
const CONTROL: Readonly<Record<number, bigint>> = { 0: 0x8005_0033n, 3: 0x100_0000n, 4: 0x75_0ef0n };

/** CR0.WP */
export const WRITE_PROTECT = 1n << 16n;

/** A PC with a processor, memory and nothing else: empty ports. `protect` is told when CR0.WP changes. */
export function bareMachine(
  random: Random,
  now: () => number,
  protect: (on: boolean) => void = () => {},
): Platform {
  const rdtsc = (): bigint => BigInt(Math.floor(now() * TSC_PER_NS));
  const registers = new ModelSpecificRegisters(rdtsc);
  const control: Record<number, bigint> = { ...CONTROL };
  return {
    portIn: (_port, size) => (size === 4 ? 0xffff_ffff : (1 << (8 * size)) - 1),
    portOut: () => {},
    rdtsc,
    cpuid,
    rdmsr: (index) => registers.read(index),
    wrmsr: (index, value) => registers.write(index, value),
    readControl: (register) => control[register] ?? 0n,
    // Nothing else of a control register changes anything here that could be told.
    writeControl(register, value) {
      if (register !== 0 || (value | WRITE_PROTECT) !== (control[0] | WRITE_PROTECT))
        return value === control[register];
      control[0] = value;
      protect((value & WRITE_PROTECT) !== 0n);
      return true;
    },
    random: () => random.next64(),
  };
}
