import { errnoName, strerror } from '../linux/errno.js';
import type { ReportedFault } from './run-report.js';

/** A system call of the machine that failed, or a command that did. */
export class MachineError extends Error {
  override readonly name = 'MachineError';

  constructor(
    message: string,
    /** Positive error number, 0 where there is none. */
    readonly errno: number,
    /** The first fault that was found while it ran, with its call trace. */
    readonly fault?: ReportedFault,
  ) {
    super(message);
  }

  /** `ENODEV`, or null. */
  get code(): string | null {
    return this.errno === 0 ? null : errnoName(this.errno);
  }

  /** Call trace of the fault, innermost first; empty where there was none. */
  get trace(): readonly string[] {
    return this.fault?.trace ?? [];
  }

  get explanation(): string {
    return strerror(this.errno);
  }
}

/** Options or operands that do not make sense: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
