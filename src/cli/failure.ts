import { FormatError } from '../formats/format-error.js';
import { MissingFileError } from '../kmod/closure/image-files.js';
import { IndexWriteError } from '../kmod/index.js';
import { MachineError, UsageError } from '../machine/errors.js';
import { TargetError } from '../target/index.js';
import { SignError } from '../trust/sign-error.js';

/** Says what went wrong on stderr, in one line where it is the user's to mend, and gives the exit status. */
export function explain(error: unknown): number {
  if (error instanceof UsageError || isOptionError(error)) {
    process.stderr.write(`modbox: ${(error as Error).message}\nTry --help.\n`);
    return 2;
  }
  if (
    error instanceof FormatError ||
    error instanceof TargetError ||
    error instanceof MachineError ||
    error instanceof SignError ||
    error instanceof IndexWriteError ||
    error instanceof MissingFileError ||
    isSystemError(error)
  ) {
    process.stderr.write(`modbox: ${(error as Error).message}\n`);
    return 1;
  }
  process.stderr.write(
    `modbox: internal error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return 1;
}

/** util.parseArgs did not like the command line. */
function isOptionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

/** A file that is not there, a disk that is full, ... */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
