import type { Ptr } from '../../cpu/layout.js';
import { S_IFCHR } from '../../files/mode.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINTR, EINVAL, ENODEV, ENOTTY, ENXIO, ERESTART, EWOULDBLOCK } from '../errno.js';
import { IOC_IN, IOC_OUT, IOC_VOID, iocLength } from '../ioccom.js';
import { Asts } from '../kern/ast.js';
import { Conf } from '../kern/conf.js';
import { Mutexes } from '../kern/mutex.js';
import { withUio } from '../kern/uio-transfer.js';
import { UserMemory } from '../kern/user-memory.js';
import type { FreebsdKernel } from '../kernel.js';
import type { CallNumber, FileStatus, OpenFile, ReadResult } from './open-file.js';

/** What a file keeps for the device's driver: devfs_set_cdevpriv(9). */
export interface CdevPrivate {
  readonly data: Ptr;
  readonly destructor: Ptr;
}

/** An open device (sys/fs/devfs/devfs_vnops.c). */
export class CdevFile implements OpenFile {
  offset = 0;
  private: CdevPrivate | undefined;

  constructor(
    private readonly k: FreebsdKernel,
    readonly path: string,
    readonly device: Ptr,
    readonly flags: number,
    readonly file: Ptr,
    /** Makes this the file that the running thread works on (td_fpop). */
    private readonly within: <T>(file: CdevFile, body: Sleepable<T>) => Sleepable<T>,
  ) {}

  /** d_open: 0, or an error number. */
  *open(): Sleepable<number> {
    return yield* this.call('d_open', (devsw) =>
      this.k.struct('cdevsw').call(devsw, 'd_open', this.device, this.flags, S_IFCHR, this.k.curthread),
    );
  }

  *close(): Sleepable<number> {
    const last = !this.isOpenElsewhere();
    const tracks = this.flag('D_TRACKCLOSE');
    const error =
      last || tracks
        ? yield* this.call('d_close', (devsw) =>
            this.k
              .struct('cdevsw')
              .call(devsw, 'd_close', this.device, this.flags, S_IFCHR, this.k.curthread),
          )
        : 0;
    yield* this.destroyPrivate();
    return error === ENXIO ? 0 : error;
  }

  /** Whether another file has the device open; set by who keeps open files. */
  isOpenElsewhere: () => boolean = () => false;

  *destroyPrivate(): Sleepable<void> {
    const { private: kept } = this;
    this.private = undefined;
    if (kept && kept.destructor !== 0)
      yield* this.within(this, this.k.callAs('v:p', kept.destructor, kept.data));
  }

  private flag(name: string): boolean {
    const devsw = this.k.get(Conf).devswOf(this.device);
    return devsw !== 0 && (this.k.struct('cdevsw').get(devsw, 'd_flags') & this.k.macro(name)) !== 0;
  }

  /** Calls a function of the device's table, with Giant where it wants that; `otherwise` where it has none. */
  private *call(member: string, body: (devsw: Ptr) => Sleepable<number>, otherwise = 0): Sleepable<number> {
    const { k } = this;
    const result = yield* k.get(Conf).using(
      this.device,
      function* (this: CdevFile, devsw: Ptr): Sleepable<number> {
        if (k.struct('cdevsw').get(devsw, member) === 0) return otherwise;
        const giant = this.flag('D_NEEDGIANT') ? k.variable('Giant') : 0;
        if (giant !== 0) yield* k.get(Mutexes).lock(giant);
        const result = yield* this.within(this, body(devsw));
        if (giant !== 0 && k.get(Mutexes).isMine(giant)) k.get(Mutexes).unlock(giant);
        return result;
      }.bind(this),
    );
    yield* k.get(Asts).userret();
    return result;
  }

  *read(count: number): Sleepable<ReadResult> {
    const user = this.k.get(UserMemory);
    const buffer = user.allocate(count);
    try {
      const { error, moved } = yield* this.transfer('d_read', buffer, count);
      if (error !== 0 && !(moved > 0 && isInterruption(error))) return { errno: error };
      return this.k.space.bytes.slice(buffer, buffer + moved);
    } finally {
      user.free(buffer);
    }
  }

  *write(bytes: Uint8Array): Sleepable<CallNumber> {
    const user = this.k.get(UserMemory);
    const buffer = user.store(bytes);
    try {
      const { error, moved } = yield* this.transfer('d_write', buffer, bytes.length);
      if (error !== 0 && !(moved > 0 && isInterruption(error))) return { errno: error };
      return { value: moved };
    } finally {
      user.free(buffer);
    }
  }

  /** d_read or d_write with a uio over user memory. */
  private *transfer(
    member: 'd_read' | 'd_write',
    buffer: Ptr,
    count: number,
  ): Sleepable<{ readonly error: number; readonly moved: number }> {
    const { k } = this;
    const ioflag = this.flags & (k.macro('O_NONBLOCK') | k.macro('O_DIRECT'));
    const how = { buffer, count, offset: BigInt(this.offset), writes: member === 'd_write' };
    const { errno, moved, offset } = yield* withUio(k, how, (uio) =>
      this.call(member, (devsw) => k.struct('cdevsw').call(devsw, member, this.device, uio, ioflag), ENODEV),
    );
    this.offset = Number(offset);
    return { error: errno, moved };
  }

  /** The kernel copies a request's structure in and out: drivers see kernel memory. */
  *ioctl(request: number, argument: bigint | Uint8Array): Sleepable<CallNumber> {
    const { k } = this;
    const command = request >>> 0;
    const size = iocLength(command);
    const bytes = typeof argument === 'bigint' ? undefined : argument;
    if (bytes && bytes.length < size) return { errno: EINVAL };
    const data = k.slab.allocateBytes(Math.max(size, 8), true);
    if (command & IOC_IN && bytes) k.space.bytes.set(bytes.subarray(0, size), data);
    else if (command & IOC_VOID && size > 0 && !bytes)
      k.space.store32(data, Number(BigInt.asUintN(32, argument as bigint)));
    const error = yield* this.call(
      'd_ioctl',
      (devsw) =>
        k.struct('cdevsw').call(devsw, 'd_ioctl', this.device, command, data, this.flags, k.curthread),
      ENODEV,
    );
    if (error === 0 && command & IOC_OUT && bytes) bytes.set(k.space.bytes.subarray(data, data + size));
    k.slab.free(data);
    if (error !== 0) return { errno: error === k.macro('ENOIOCTL') ? ENOTTY : error };
    return { value: 0 };
  }

  /** Without a function of its own a device is always ready (no_poll()). */
  *poll(events: number): Sleepable<number> {
    const { k } = this;
    const always =
      events & (k.macro('POLLIN') | k.macro('POLLRDNORM') | k.macro('POLLOUT') | k.macro('POLLWRNORM'));
    return yield* this.call(
      'd_poll',
      (devsw) => k.struct('cdevsw').call(devsw, 'd_poll', this.device, events, k.curthread),
      always,
    );
  }

  status(): FileStatus {
    const type = this.k.struct('cdev');
    const [mode, uid, gid] = ['si_mode', 'si_uid', 'si_gid'].map((member) => type.get(this.device, member));
    return { kind: 'character', mode, size: 0, uid, gid };
  }
}

/** What was moved before a signal or a would-be wait is what the call gives. */
const isInterruption = (error: number): boolean =>
  error === EWOULDBLOCK || error === EINTR || error === ERESTART;
