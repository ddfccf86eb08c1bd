import { unpack } from '../../formats/compressed/unpack.js';
import { FormatError } from '../../formats/format-error.js';
import { strerror } from '../../kernel/errno.js';
import { KmodError } from '../kmod-error.js';
import { ModuleFile, type SymbolCrc } from '../module-file.js';
import type { ToolLog } from './log.js';
import type { ToolHost } from './tool.js';

/** modprobe --show-modversions. */
export function showModversions<Wait>(host: ToolHost<Wait>, log: ToolLog, path: string): number {
  return show(host, log, path, 'modversions', (file) => file.versions());
}

/** modprobe --show-exports. */
export function showExports<Wait>(host: ToolHost<Wait>, log: ToolLog, path: string): number {
  return show(host, log, path, 'symbols', (file) => file.exports());
}

function show<Wait>(
  host: ToolHost<Wait>,
  log: ToolLog,
  path: string,
  what: string,
  read: (file: ModuleFile) => readonly SymbolCrc[],
): number {
  const bytes = host.files.read(path);
  if (!bytes) {
    log.fatal(`Module ${path} not found.\n`);
    return 1;
  }
  try {
    const lines = read(ModuleFile.open(unpack(bytes, path), path)).map(
      ({ name, crc }) => `0x${crc.toString(16).padStart(8, '0')}\t${name}\n`,
    );
    host.out(lines.join(''));
    return 0;
  } catch (error) {
    const errno = error instanceof KmodError ? error.errno : error instanceof FormatError ? 22 : undefined;
    if (errno === undefined) throw error;
    log.fatal(`could not get ${what} of ${path}: ${strerror(errno)}\n`);
    return 1;
  }
}
