import type { Platform } from '../../cpu/cpu-types.js';
import type { Random } from '../../kernel/random.js';
import { cpuid } from './features.js';
import { ModelSpecificRegisters } from './msr.js';

/** Cycles of the time-stamp counter per nanosecond of virtual time. */
const TSC_PER_NS = 2.596;
/** CR0 with paging, write protect and protection; CR4 with PAE, OSFXSR, OSXSAVE, SMEP, SMAP and PKE: as 6.1 sets them in QEMU. */
const CONTROL: Readonly<Record<number, bigint>> = { 0: 0x8005_0033n, 3: 0x100_0000n, 4: 0x75_0ef0n };

/** A PC with a processor, memory and nothing else: empty ports. */
export function bareMachine(random: Random, now: () => number): Platform {
  const rdtsc = (): bigint => BigInt(Math.floor(now() * TSC_PER_NS));
  const registers = new ModelSpecificRegisters(rdtsc);
  return {
    portIn: (_port, size) => (size === 4 ? 0xffff_ffff : (1 << (8 * size)) - 1),
    portOut: () => {},
    rdtsc,
    cpuid,
    rdmsr: (index) => registers.read(index),
    wrmsr: (index, value) => registers.write(index, value),
    readControl: (register) => CONTROL[register] ?? 0n,
    writeControl: () => false,
    random: () => random.next64(),
  };
}
