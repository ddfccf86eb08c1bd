import type { Platform } from '../cpu-types.js';

/** An empty machine: no devices, no random numbers, time that follows executed instructions. */
export function defaultPlatform(executed: () => number): Platform {
  let state = 0x9e37_79b9_7f4a_7c15n;
  return {
    portIn: (_port, size) => (size === 4 ? 0xffff_ffff : size === 2 ? 0xffff : 0xff),
    portOut: () => undefined,
    rdtsc: () => BigInt(executed()),
    cpuid: () => [0, 0, 0, 0],
    rdmsr: () => undefined,
    wrmsr: () => false,
    readControl: (register) => CONTROL[register] ?? 0n,
    writeControl: () => true,
    /** xorshift64: repeatable, not random. */
    random() {
      state ^= BigInt.asUintN(64, state << 13n);
      state ^= state >> 7n;
      state = BigInt.asUintN(64, state ^ (state << 17n));
      return state;
    },
  };
}

/** CR0: PE, MP, ET, NE, WP, AM, PG. CR4: PAE, MCE, PGE, OSFXSR, OSXMMEXCPT. */
const CONTROL: Record<number, bigint> = { 0: 0x8005_0033n, 4: 0x0000_06e0n };
