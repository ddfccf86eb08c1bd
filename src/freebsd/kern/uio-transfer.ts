import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import type { FreebsdKernel } from '../kernel.js';

/** What a struct uio is to be of. */
export interface Transfer {
  /** User memory. */
  readonly buffer: Ptr;
  readonly count: number;
  readonly offset: bigint;
  /** From user memory to the kernel. */
  readonly writes: boolean;
}

/** What became of it: an error number, bytes that were moved, and where the next ones are. */
export interface Transferred {
  readonly errno: number;
  readonly moved: number;
  readonly offset: bigint;
}

/** Runs a function with a struct uio over user memory. */
export function* withUio(
  k: FreebsdKernel,
  { buffer, count, offset, writes }: Transfer,
  body: (uio: Ptr) => Sleepable<number>,
): Sleepable<Transferred> {
  const type = k.struct('uio');
  const vector = k.struct('iovec');
  return yield* withScratch(k, type.size + vector.size, function* (uio) {
    vector.set(uio + type.size, 'iov_base', buffer);
    vector.set(uio + type.size, 'iov_len', count);
    type.set(uio, 'uio_iov', uio + type.size);
    type.set(uio, 'uio_iovcnt', 1);
    type.setBig(uio, 'uio_offset', offset);
    type.set(uio, 'uio_resid', count);
    type.set(uio, 'uio_segflg', k.enumValue('UIO_USERSPACE'));
    type.set(uio, 'uio_rw', k.enumValue(writes ? 'UIO_WRITE' : 'UIO_READ'));
    type.set(uio, 'uio_td', k.curthread);
    const errno = yield* body(uio);
    return { errno, moved: count - type.get(uio, 'uio_resid'), offset: type.getBig(uio, 'uio_offset') };
  });
}
