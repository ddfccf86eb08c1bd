/** A fault, a warning or a misuse that was found, with its 64-bit address as text. */
export interface ReportedFault {
  readonly kind: string;
  readonly message: string;
  readonly address: string;
  /** Instruction, symbolised, and the module it is of. */
  readonly at: string;
  readonly module: string;
  /** The device that the module drives, where it does: `0000:00:01.0`. */
  readonly device?: string;
  readonly registers: Readonly<Record<string, string>>;
  /** Innermost first. */
  readonly trace: readonly string[];
  /** The system's own function, not modbox's, that had a part in it, where one had. */
  readonly native?: string;
}

/** A 64-bit address as reports have it. */
export function addressText(address: bigint): string {
  return `0x${BigInt.asUintN(64, address).toString(16).padStart(16, '0')}`;
}
