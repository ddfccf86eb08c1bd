import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats, statSync } from 'node:fs';
import { hostPath } from './disk-root.js';

/** More than Node reads at once. */
const MOST_BYTES = 2 ** 31 - 1;
/** A descriptor that whoever started modbox opened: `<(command)` of a shell is one. */
const OPEN_DESCRIPTOR = /^\/dev\/(?:stdin|fd\/\d+)$|^\/proc\/self\/fd\/\d+$/;
/** Of /dev/null, as Linux numbers it. */
const NULL_DEVICE = 0x103;

/** What a user named as a file is none that can be read. */
export class NotAFileError extends Error {
  override readonly name = 'NotAFileError';
}

/**
 * All of a file that the user named. What would make modbox wait or read for ever is refused: pipes, sockets and devices that have
 * a name. Throws NotAFileError, and what Node throws of a file that is not there.
 */
export function readGiven(path: string): Buffer {
  const place = hostPath(path);
  const stat = statSync(place);
  if (OPEN_DESCRIPTOR.test(path) && !stat.isDirectory()) return readFileSync(place);
  refuse(path, stat);
  // It may be another file by now: that is not waited for either.
  const fd = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    refuse(path, fstatSync(fd));
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The same as text. */
export function readGivenText(path: string): string {
  return readGiven(path).toString('utf8');
}

function refuse(path: string, stat: Stats): void {
  const { size } = stat;
  if (stat.isFile() && size > MOST_BYTES) throw new NotAFileError(`${path}: ${size} bytes are too many`);
  if (stat.isFile() || (stat.isCharacterDevice() && stat.rdev === NULL_DEVICE)) return;
  if (stat.isDirectory()) throw new NotAFileError(`${path}: Is a directory`);
  throw new NotAFileError(`${path}: is ${kindOf(stat)}, not a file`);
}

function kindOf(stat: Stats): string {
  if (stat.isFIFO()) return 'a named pipe';
  return stat.isSocket() ? 'a socket' : 'a device';
}
