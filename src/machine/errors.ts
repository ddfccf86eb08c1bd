import { errnoName, strerror } from '../kernel/errno.js';

/** A system call of the machine that failed, or a command that did. */
export class MachineError extends Error {
  override readonly name = 'MachineError';

  constructor(
    message: string,
    /** Positive error number, 0 where there is none. */
    readonly errno: number,
  ) {
    super(message);
  }

  /** `ENODEV`, or null. */
  get code(): string | null {
    return this.errno === 0 ? null : errnoName(this.errno);
  }

  get explanation(): string {
    return strerror(this.errno);
  }
}

/** Options or operands that do not make sense: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
