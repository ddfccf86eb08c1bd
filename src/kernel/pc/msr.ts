/** Architectural model-specific registers (Intel SDM vol. 4; AMD APM vol. 2, appendix A). */
const IA32_TSC = 0x10;
const IA32_APIC_BASE = 0x1b;
const IA32_UCODE_REV = 0x8b;
const IA32_PERF_STATUS = 0x198;
const IA32_MISC_ENABLE = 0x1a0;
const IA32_PAT = 0x277;
const EFER = 0xc000_0080;

/** What they hold once a kernel has booted on QEMU's CPU "max" (target/i386/tcg/sysemu/misc_helper.c says which it has). */
const AT_BOOT: ReadonlyMap<number, bigint> = new Map([
  [IA32_APIC_BASE, 0xfee0_0900n],
  [IA32_UCODE_REV, 0x1_0000_0000n],
  [IA32_PERF_STATUS, (4n << 40n) | 1000n],
  [IA32_MISC_ENABLE, 1n],
  [IA32_PAT, 0x0407_0106_0007_0106n],
  [EFER, 0xd01n],
]);
/** Those of the above that QEMU leaves as they are when they are written. */
const READ_ONLY: ReadonlySet<number> = new Set([IA32_UCODE_REV, IA32_PERF_STATUS]);

/** The registers of a processor that keeps what it knows, reads everything else as zero and ignores writes to it. */
export class ModelSpecificRegisters {
  private readonly values = new Map(AT_BOOT);

  constructor(private readonly rdtsc: () => bigint) {}

  read(index: number): bigint {
    return index >>> 0 === IA32_TSC ? this.rdtsc() : (this.values.get(index >>> 0) ?? 0n);
  }

  write(index: number, value: bigint): boolean {
    if (this.values.has(index >>> 0) && !READ_ONLY.has(index >>> 0)) this.values.set(index >>> 0, value);
    return true;
  }
}
