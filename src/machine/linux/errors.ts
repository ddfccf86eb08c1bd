import { errnoName, strerror } from '../../linux/errno.js';
import type { SystemError } from '../errors.js';

/** An error of Linux by its positive number. */
export function linuxError(errno: number): SystemError {
  return { name: errnoName(errno), number: errno, text: strerror(errno) };
}
