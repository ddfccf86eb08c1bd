import {
  CallRecordError,
  FormatError,
  IndexWriteError,
  MachineError,
  MissingFileError,
  NotAFileError,
  QemuError,
  SignError,
  strerror,
  TargetError,
  UsageError,
} from '../index.js';
import { complain } from './output.js';

/** Where to tell of a fault of modbox's own. */
const REPORT = 'please report this line, with the file that it happened with (MODBOX_DEBUG=1 shows more)';

/** What the user can mend, or has to know: the message says all of it. */
const EXPECTED = [
  CallRecordError,
  FormatError,
  IndexWriteError,
  MachineError,
  MissingFileError,
  NotAFileError,
  QemuError,
  SignError,
  TargetError,
  UsageError,
] as const;

/** Says what went wrong on stderr, in one line, and gives the exit status. `doing` is the command line. */
export function explain(error: unknown, doing = ''): number {
  const isUsage = error instanceof UsageError || isOptionError(error);
  complain(whyOf(error, doing));
  if (isUsage) process.stderr.write('Try --help.\n');
  if (isInternal(error) && process.env.MODBOX_DEBUG && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  return isUsage ? 2 : 1;
}

/** What went wrong, in one line. */
export function whyOf(error: unknown, doing = ''): string {
  if (isInternal(error)) return internalText(error, doing);
  // What Node advises of positional arguments quotes one half of what it names; other advice is a line of its own.
  if (isOptionError(error))
    return (error as Error).message
      .replace(/\. To specify a positional [\s\S]*$/, '')
      .replace(/\n[\s\S]*$/, '');
  return isSystemError(error) ? systemText(error) : (error as Error).message;
}

function isInternal(error: unknown): boolean {
  const expected = EXPECTED.some((kind) => error instanceof kind);
  return !expected && !isOptionError(error) && !isSystemError(error);
}

/** The last resort: what was being done, what happened and where, and whom to tell. */
function internalText(error: unknown, doing: string): string {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const where = error instanceof Error ? placeOf(error) : '';
  const during = doing === '' ? '' : ` in '${doing}'`;
  return `internal error${during}: ${what.replaceAll('\n', ' ')}${where}; ${REPORT}`;
}

/** ` at FUNCTION (FILE:LINE:COLUMN)` of where an error comes from, without the folders. */
function placeOf({ stack }: Error): string {
  const line = stack?.split('\n').find((text) => /^\s+at /.test(text));
  return line === undefined ? '' : ` ${line.trim().replace(/\(.*\//, '(')}`;
}

interface SystemError extends Error {
  readonly syscall: string;
  readonly errno?: number;
  readonly path?: string;
}

/** As other programs say it: `FILE: No such file or directory`. */
function systemText({ message, errno, path, syscall }: SystemError): string {
  if (typeof errno !== 'number' || errno >= 0) return message;
  return `${path ?? syscall}: ${strerror(-errno)}`;
}

/** util.parseArgs did not like the command line. */
function isOptionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

/** A file that is not there, a disk that is full, ... */
function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error;
}

/** Status of a command that Ctrl-C ended, as shells have it: 128 and SIGINT. */
export const INTERRUPTED = 130;
