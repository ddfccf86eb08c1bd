import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { EINVAL, ENOTTY } from '../errno.js';
import { type Transfer, type Transferred, withUio } from '../kern/uio-transfer.js';
import { UserMemory } from '../kern/user-memory.js';
import type { CallNumber, FileStatus, OpenFile, ReadResult } from './open-file.js';
import type { Attributes, VnodeWalk } from './vnode-walk.js';
import { Vnodes } from './vnodes.js';

/** What stat(2) calls the types of vnodes. */
export function kindOf(walk: VnodeWalk, type: number): FileStatus['kind'] {
  const kinds: readonly (readonly [string, FileStatus['kind']])[] = [
    ['VDIR', 'directory'],
    ['VLNK', 'symlink'],
    ['VFIFO', 'fifo'],
    ['VSOCK', 'socket'],
    ['VCHR', 'character'],
    ['VBLK', 'block'],
  ];
  return kinds.find(([name]) => walk.k.enumValue(name) === type)?.[1] ?? 'file';
}

/**
 * Moves bytes between user memory and a vnode, or a directory's entries out of it: what a uio is made for. Offsets of directories are
 * whatever their file system wants them to be.
 */
export function* transfer(
  walk: VnodeWalk,
  how: Transfer,
  body: (uio: Ptr) => Sleepable<number>,
): Sleepable<Transferred> {
  return yield* withUio(walk.k, how, body);
}

/** An open file of a mounted file system (vnops, sys/kern/vfs_vnops.c): its vnode is used until it is closed. */
export class VnodeFile implements OpenFile {
  offset = 0;
  readonly file = 0;

  constructor(
    private readonly walk: VnodeWalk,
    readonly path: string,
    readonly flags: number,
    readonly vp: Ptr,
    private attributes: Attributes,
  ) {}

  /** Runs something with the vnode locked. */
  private *locked<T>(body: () => Sleepable<T>): Sleepable<T> {
    const { k } = this.walk;
    yield* k.get(Vnodes).lock(this.vp, k.macro('LK_EXCLUSIVE') | k.macro('LK_RETRY'));
    const result = yield* body();
    yield* k.get(Vnodes).unlock(this.vp);
    return result;
  }

  private ioflag(writes: boolean): number {
    const { k } = this.walk;
    const nonblock = this.flags & k.macro('O_NONBLOCK') ? k.macro('IO_NDELAY') : 0;
    const append = writes && this.flags & k.macro('O_APPEND') ? k.macro('IO_APPEND') : 0;
    return k.macro('IO_UNIT') | nonblock | append;
  }

  private *move(buffer: Ptr, count: number, writes: boolean) {
    const { walk, vp } = this;
    const operation = writes ? 'vop_write' : 'vop_read';
    const moved = yield* this.locked(() =>
      transfer(walk, { buffer, count, offset: BigInt(this.offset), writes }, (uio) =>
        walk.call(vp, operation, {
          a_vp: vp,
          a_uio: uio,
          a_ioflag: this.ioflag(writes),
          a_cred: walk.cred,
        }),
      ),
    );
    if (moved.errno === 0) this.offset = Number(moved.offset);
    return moved;
  }

  *read(count: number): Sleepable<ReadResult> {
    const { k } = this.walk;
    const user = k.get(UserMemory);
    const buffer = user.allocate(count);
    try {
      const { errno, moved } = yield* this.move(buffer, count, false);
      return errno === 0 ? k.space.bytes.slice(buffer, buffer + moved) : { errno };
    } finally {
      user.free(buffer);
    }
  }

  *write(bytes: Uint8Array): Sleepable<CallNumber> {
    const user = this.walk.k.get(UserMemory);
    const buffer = user.store(bytes);
    try {
      const { errno, moved } = yield* this.move(buffer, bytes.length, true);
      const after = yield* this.locked(() => this.walk.attributes(this.vp));
      if (!('errno' in after)) this.attributes = after;
      return errno === 0 ? { value: moved } : { errno };
    } finally {
      user.free(buffer);
    }
  }

  *ioctl(request: number, argument: bigint | Uint8Array): Sleepable<CallNumber> {
    const { walk, vp } = this;
    if (typeof argument === 'bigint') return { errno: EINVAL };
    return yield* withScratch(walk.k, Math.max(argument.length, 8), function* (data): Sleepable<CallNumber> {
      walk.k.space.bytes.set(argument, data);
      const errno = yield* walk.call(vp, 'vop_ioctl', {
        a_vp: vp,
        a_command: request >>> 0,
        a_data: data,
        a_fflag: 0,
        a_cred: walk.cred,
        a_td: walk.k.curthread,
      });
      argument.set(walk.k.space.bytes.subarray(data, data + argument.length));
      return errno === 0 ? { value: 0 } : { errno: errno === walk.k.macro('ENOIOCTL') ? ENOTTY : errno };
    });
  }

  *poll(events: number): Sleepable<number> {
    const { walk, vp } = this;
    return yield* walk.call(vp, 'vop_poll', {
      a_vp: vp,
      a_events: events,
      a_cred: walk.cred,
      a_td: walk.k.curthread,
    });
  }

  /** vn_close(). */
  *close(): Sleepable<number> {
    const { walk, vp } = this;
    const { k } = walk;
    const errno = yield* this.locked(() =>
      walk.call(vp, 'vop_close', { a_vp: vp, a_fflag: this.flags, a_cred: walk.cred, a_td: k.curthread }),
    );
    if (this.flags & k.macro('FWRITE')) yield* walk.call(vp, 'vop_add_writecount', { a_vp: vp, a_inc: -1 });
    yield* k.get(Vnodes).rele(vp);
    return errno;
  }

  status(): FileStatus {
    const { type, mode, size, uid, gid } = this.attributes;
    return { kind: kindOf(this.walk, type), mode, size, uid, gid };
  }
}
