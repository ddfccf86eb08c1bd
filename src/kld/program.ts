import { strerror } from '../freebsd/errno.js';
import { type CommandLine, type GivenOption, getopt } from './getopt.js';
import type { Output, Steps } from './host.js';

/** exit(3) from the middle of a program. */
export class ProgramExit extends Error {
  override readonly name = 'ProgramExit';

  constructor(readonly status: number) {
    super(`exit ${status}`);
  }
}

/** What programs of BSD say things with: err(3), warn(3) and their kin, and getopt(3). */
export class Program {
  constructor(
    readonly name: string,
    private readonly output: Output,
    private readonly usageText: string,
    private readonly usageStatus = 1,
  ) {}

  out(data: string | Uint8Array): void {
    this.output.out(data);
  }

  warnx(text: string): void {
    this.output.err(`${this.name}: ${text}\n`);
  }

  warn(text: string, errno: number): void {
    this.warnx(`${text}: ${strerror(errno)}`);
  }

  errx(status: number, text: string): never {
    this.warnx(text);
    throw new ProgramExit(status);
  }

  fail(status: number, text: string, errno: number): never {
    this.warn(text, errno);
    throw new ProgramExit(status);
  }

  usage(): never {
    this.output.err(this.usageText);
    throw new ProgramExit(this.usageStatus);
  }

  /** Hands the options to `take` in their order; one that there is not ends the program with its usage. Gives the operands. */
  options(
    args: readonly string[],
    letters: string,
    take: (option: string, argument: string) => void,
  ): CommandLine['operands'] {
    const { options, operands } = getopt(args, letters);
    for (const given of options) this.takeOption(given, take);
    return operands;
  }

  private takeOption(given: GivenOption, take: (option: string, argument: string) => void): void {
    if ('argument' in given) {
      take(given.option, given.argument);
      return;
    }
    this.warnx(given.message);
    this.usage();
  }
}

/** The exit status of a program that may end in the middle of itself. */
export function* untilExit<Wait>(steps: Steps<Wait, number>): Steps<Wait, number> {
  try {
    return yield* steps;
  } catch (error) {
    if (error instanceof ProgramExit) return error.status;
    throw error;
  }
}

/** A program that never waits, run as those are that may. */
export function* atOnce<Wait>(body: () => number): Steps<Wait, number> {
  yield* [];
  return body();
}
