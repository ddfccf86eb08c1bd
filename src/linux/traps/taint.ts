/** Kernel taint flags: bit, letter when set, letter when clear (Documentation/admin-guide/tainted-kernels.rst). */
export const TAINT_FLAGS = [
  { bit: 0, letter: 'P', clear: 'G', name: 'PROPRIETARY_MODULE', module: true },
  { bit: 1, letter: 'F', clear: ' ', name: 'FORCED_MODULE', module: true },
  { bit: 2, letter: 'S', clear: ' ', name: 'CPU_OUT_OF_SPEC', module: false },
  { bit: 3, letter: 'R', clear: ' ', name: 'FORCED_RMMOD', module: false },
  { bit: 4, letter: 'M', clear: ' ', name: 'MACHINE_CHECK', module: false },
  { bit: 5, letter: 'B', clear: ' ', name: 'BAD_PAGE', module: false },
  { bit: 6, letter: 'U', clear: ' ', name: 'USER', module: false },
  { bit: 7, letter: 'D', clear: ' ', name: 'DIE', module: false },
  { bit: 8, letter: 'A', clear: ' ', name: 'OVERRIDDEN_ACPI_TABLE', module: false },
  { bit: 9, letter: 'W', clear: ' ', name: 'WARN', module: false },
  { bit: 10, letter: 'C', clear: ' ', name: 'CRAP', module: true },
  { bit: 11, letter: 'I', clear: ' ', name: 'FIRMWARE_WORKAROUND', module: false },
  { bit: 12, letter: 'O', clear: ' ', name: 'OOT_MODULE', module: true },
  { bit: 13, letter: 'E', clear: ' ', name: 'UNSIGNED_MODULE', module: true },
  { bit: 14, letter: 'L', clear: ' ', name: 'SOFTLOCKUP', module: false },
  { bit: 15, letter: 'K', clear: ' ', name: 'LIVEPATCH', module: true },
  { bit: 16, letter: 'X', clear: ' ', name: 'AUX', module: true },
  { bit: 17, letter: 'T', clear: ' ', name: 'RANDSTRUCT', module: true },
  { bit: 18, letter: 'N', clear: ' ', name: 'TEST', module: true },
] as const;

export type TaintName = (typeof TAINT_FLAGS)[number]['name'];

/** The bit of a taint flag. */
export function taintBit(name: TaintName): number {
  return TAINT_FLAGS.find((flag) => flag.name === name)!.bit;
}

/** A set of taint flags, of the kernel or of one module. */
export class Taint {
  mask = 0;

  add(name: TaintName): void {
    this.mask |= 1 << taintBit(name);
  }

  has(name: TaintName): boolean {
    return (this.mask & (1 << taintBit(name))) !== 0;
  }

  /** A module's flags as /proc/modules shows them between parentheses: `OE`. */
  moduleLetters(): string {
    return TAINT_FLAGS.filter((flag) => flag.module && this.mask & (1 << flag.bit))
      .map((flag) => flag.letter)
      .join('');
  }

  /** The kernel's flags as oopses show them: `Tainted: G           OE`, or `Not tainted`. */
  print(): string {
    if (this.mask === 0) return 'Not tainted';
    return `Tainted: ${TAINT_FLAGS.map((flag) => (this.mask & (1 << flag.bit) ? flag.letter : flag.clear)).join('')}`;
  }
}
