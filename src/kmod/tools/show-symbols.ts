import { strerror } from '../../kernel/errno.js';
import { bytesOf } from '../byte-text.js';
import { KmodError } from '../kmod-error.js';
import type { ModuleFile, SymbolCrc } from '../module-file.js';
import { exists, openModule } from '../open-module.js';
import { LOG, type LogLevel, type ToolLog } from './log.js';
import type { ToolHost } from './tool.js';

/**
 * `modprobe --show-modversions FILE`: the CRCs of the symbols that a module was built against. The result is the exit
 * status; `level` is how modprobe speaks of failures: fatal, and a warning with --all. As fatal it throws ToolExit.
 */
export function showModversions<Wait>(
  host: ToolHost<Wait>,
  log: ToolLog,
  path: string,
  level: LogLevel = 'fatal',
): number {
  return show(host, log, path, level, 'modversions', (module) => module.versions());
}

/** `modprobe --show-exports FILE`: the symbols that a module gives to others; otherwise as {@link showModversions}. */
export function showExports<Wait>(
  host: ToolHost<Wait>,
  log: ToolLog,
  path: string,
  level: LogLevel = 'fatal',
): number {
  return show(host, log, path, level, 'symbols', (module) => module.exports());
}

function show<Wait>(
  host: ToolHost<Wait>,
  log: ToolLog,
  path: string,
  level: LogLevel,
  what: string,
  listOf: (module: ModuleFile) => readonly SymbolCrc[],
): number {
  // What ends in a slash has no name that could be a module's.
  if (path === '' || path.endsWith('/') || !exists(host.files, path))
    return fail(host, log, level, `Module ${path} not found.\n`);
  try {
    const list = listOf(openModule(host.files, path));
    if (list.length > 0) host.out(bytesOf(list.map(symbolLine).join('')));
    return 0;
  } catch (error) {
    if (!(error instanceof KmodError)) throw error;
    // libkmod's own words reach modprobe's log.
    if (error.complaint) log.error(`${error.complaint.text}\n`);
    const text = `could not get ${what} of ${path}: ${strerror(error.errno)}\n`;
    return fail(host, log, level, text, error);
  }
}

/** Says what failed and then, where there is more to say, why; the reason has to come though `level` be fatal. */
function fail<Wait>(
  host: ToolHost<Wait>,
  log: ToolLog,
  level: LogLevel,
  text: string,
  why?: KmodError,
): number {
  try {
    log.say(level, text);
    return 1;
  } finally {
    if (why && LOG[level] <= log.priority) host.err(`modbox: ${why.message}\n`);
  }
}

function symbolLine({ name, crc }: SymbolCrc): string {
  return `0x${crc.toString(16).padStart(8, '0')}\t${name}\n`;
}
