import { errnoName, strerror } from '../../freebsd/errno.js';
import type { SystemError } from '../errors.js';

/** An errno of FreeBSD as errors of the library have it. */
export function freebsdError(number: number): SystemError {
  return { name: errnoName(number), number, text: strerror(number) };
}
