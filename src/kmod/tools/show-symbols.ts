import { ENOENT, strerror } from '../../linux/errno.js';
import { bytesOf } from '../byte-text.js';
import type { FoundModule } from '../found-module.js';
import type { KmodElf, SymbolCrc } from '../kmod-elf.js';
import { KmodError } from '../kmod-error.js';
import { openModule } from '../open-module.js';
import { LOG, type LogLevel, type ToolLog } from './log.js';
import { findModules } from './modprobe-insert.js';
import type { ModuleSystem } from './probe.js';
import type { ToolHost } from './tool.js';

/**
 * `modprobe --show-modversions MODULE`: the CRCs of the symbols that modules were built against, by path, name or alias. The
 * result is the exit status; `level` is how modprobe speaks of failures: fatal, and a warning with --all. As fatal it throws
 * ToolExit.
 */
export function showModversions<Wait>(
  system: ModuleSystem<Wait>,
  operand: string,
  level: LogLevel = 'fatal',
): number {
  return show(system, operand, level, 'modversions', (module) => module.versions());
}

/** `modprobe --show-exports MODULE`: the symbols that modules give to others; as {@link showModversions}. */
export function showExports<Wait>(
  system: ModuleSystem<Wait>,
  operand: string,
  level: LogLevel = 'fatal',
): number {
  return show(system, operand, level, 'symbols', (module) => module.exports());
}

function show<Wait>(
  system: ModuleSystem<Wait>,
  operand: string,
  level: LogLevel,
  what: string,
  listOf: (module: KmodElf) => readonly SymbolCrc[],
): number {
  const found = findModules(system, operand, level);
  let status = found.length === 0 ? 1 : 0;
  // Of several the last one's status counts.
  for (const module of found) status = showOne(system, module, level, what, listOf);
  return status;
}

function showOne<Wait>(
  { host, tree, log }: ModuleSystem<Wait>,
  { name, path }: FoundModule,
  level: LogLevel,
  what: string,
  listOf: (module: KmodElf) => readonly SymbolCrc[],
): number {
  const text = (errno: number): string => `could not get ${what} of ${name}: ${strerror(errno)}\n`;
  if (path === undefined) return fail(host, log, level, text(ENOENT));
  try {
    const list = listOf(openModule(tree.files, `${tree.rootDirectory}${path}`, path));
    if (list.length > 0) host.out(bytesOf(list.map(symbolLine).join('')));
    return 0;
  } catch (error) {
    if (!(error instanceof KmodError)) throw error;
    // libkmod's own words reach modprobe's log.
    if (error.complaint) log.error(`${error.complaint.text}\n`);
    return fail(host, log, level, text(error.errno), error);
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
