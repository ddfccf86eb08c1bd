import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOENT, ENOEXEC, ESRCH, strerror } from '../../kernel/errno.js';
import { hint, insertFile, type ModuleSystem } from './system.js';
import type { Terminal } from './terminal.js';

/** What insmod(8) says of an errno: some have a meaning of their own for modules. */
export function insertError(errno: number): string {
  switch (errno) {
    case ENOEXEC:
      return 'Invalid module format';
    case ENOENT:
      return 'Unknown symbol in module';
    case ESRCH:
      return 'Module has wrong symbol version';
    case EINVAL:
      return 'Invalid parameters';
    default:
      return strerror(errno);
  }
}

/** insmod(8) of a file at hand. */
export function* insmodBytes(
  system: ModuleSystem,
  bytes: Uint8Array,
  file: string,
  options: string,
  terminal: Terminal,
): Sleepable<number> {
  const result = yield* insertFile(system, bytes, file, options);
  if (result.errno === 0) return 0;
  terminal.err(`insmod: ERROR: could not insert module ${file}: ${insertError(result.errno)}\n`);
  terminal.err(hint(result));
  return 1;
}
