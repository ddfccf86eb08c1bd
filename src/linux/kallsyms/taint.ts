/** A flag of the kernel's taint mask. */
interface TaintFlag {
  readonly bit: number;
  /** Letter where it is set, and where it is not. */
  readonly letter: string;
  readonly clear: string;
  /** As kernels name it that spell taints out (`[O]=OOT_MODULE`). */
  readonly name: string;
  /** It is shown for modules, too. */
  readonly module: boolean;
}

/** Kernel taint flags (Documentation/admin-guide/tainted-kernels.rst), bit 0 first. */
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
  { bit: 19, letter: 'J', clear: ' ', name: 'FWCTL', module: true },
] as const satisfies readonly TaintFlag[];

/** One of the flags above. */
export type KnownTaint = (typeof TAINT_FLAGS)[number];

export type TaintName = KnownTaint['name'];

const BITS: ReadonlyMap<string, number> = new Map(TAINT_FLAGS.map(({ name, bit }) => [name, bit]));

/** The bit of a taint flag. */
export function taintBit(name: TaintName): number {
  return BITS.get(name)!;
}

/** The flag of a bit, undefined where there is none. */
export function taintAt(bit: number): KnownTaint | undefined {
  return TAINT_FLAGS[bit];
}

/** A set of taint flags: of one module. */
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
}
