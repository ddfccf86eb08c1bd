import type { ReportedFault } from './reported-fault.js';

/** An error of a system, by its name, its number and its words. */
export interface SystemError {
  /** `ENODEV` */
  readonly name: string;
  readonly number: number;
  /** `No such device` */
  readonly text: string;
}

/** What is known of a failure besides its message. */
export interface FailureDetails {
  /** What the system call or the command gave. */
  readonly error?: SystemError | undefined;
  /** The first fault that was found while it ran, with its call trace. */
  readonly fault?: ReportedFault | undefined;
  /** The error of the host's that is behind it. */
  readonly cause?: unknown;
}

/** A system call of the machine that failed, or a command that did. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
  readonly fault: ReportedFault | undefined;
  private readonly error: SystemError | undefined;

  constructor(message: string, { error, fault, cause }: FailureDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.error = error;
    this.fault = fault;
  }

  /** Positive error number, 0 where there is none. */
  get errno(): number {
    return this.error?.number ?? 0;
  }

  /** `ENODEV`, or null. */
  get code(): string | null {
    return this.error?.name ?? null;
  }

  /** Call trace of the fault, innermost first; empty where there was none. */
  get trace(): readonly string[] {
    return this.fault?.trace ?? [];
  }

  /** What the error number means; '' where there is none. */
  get explanation(): string {
    return this.error?.text ?? '';
  }
}

/** Options or operands that do not make sense: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
