import type { FaultKind } from '../errors.js';

/** A fault, a warning or a misuse that the base kernel found, as `modbox run --json` gives it. */
export interface FaultReport {
  readonly kind: FaultKind;
  /** First line, as the kernel's log has it. */
  readonly message: string;
  /** 64-bit guest address that the fault is about: of an access, an object, or the code. */
  readonly address: bigint;
  /** Instruction that faulted, symbolised. */
  readonly at: string;
  /** Module whose code it is, or that called the base kernel; '' if none. */
  readonly module: string;
  /** Device that a driver of the module is for: the one that is probed or removed, else those that are bound, else the last. */
  readonly device?: string;
  readonly registers: Readonly<Record<string, string>>;
  /** Innermost first. */
  readonly trace: readonly string[];
  /** The target's own function that was running, if any: it met what TypeScript made, so the fault may be modbox's. */
  readonly native?: string;
}
