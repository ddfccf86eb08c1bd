import { getopt, type LongOption } from './getopt.js';
import { LOG, type ToolLog } from './log.js';
import { openLog, openSyslog } from './open-log.js';
import type { ToolHost } from './tool.js';
import { VERSION_TEXT } from './version.js';

/** What insmod, rmmod and lsmod are given. */
export interface SimpleOptions {
  readonly given: ReadonlySet<string>;
  readonly operands: readonly string[];
  readonly log: ToolLog;
  /** The level that the log has once a tool is at work; errors in its operands are told before that. */
  readonly verbosity: number;
}

/** A tool's own options, besides those that all have. */
interface OwnOptions {
  readonly short: string;
  readonly long: readonly LongOption[];
}

const COMMON: readonly LongOption[] = [
  { name: 'syslog', value: 's' },
  { name: 'verbose', value: 'v' },
  { name: 'version', value: 'V' },
  { name: 'help', value: 'h' },
];

/** Options of a tool that has few, or the status that it ends with already. */
export function simpleOptions<Wait>(
  host: ToolHost<Wait>,
  program: string,
  args: readonly string[],
  own: OwnOptions,
  help: string,
): SimpleOptions | number {
  const table = { short: `${own.short}svVh`, long: [...own.long, ...COMMON] };
  const line = getopt(program, args, table);
  let verbosity: number = LOG.error;
  for (const { value } of line.options) {
    if (value === 'h' || value === 'V') {
      host.out(value === 'h' ? help : VERSION_TEXT);
      return 0;
    }
    if (value === 'v') verbosity++;
  }
  if (line.kind === 'wrong') {
    host.err(line.message);
    return 1;
  }
  const given = new Set(line.options.map(({ value }) => value));
  const log = given.has('s') ? openSyslog(host, program) : openLog(host, program);
  return { given, operands: line.operands, log, verbosity };
}
