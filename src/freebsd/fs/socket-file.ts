import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOTTY } from '../errno.js';
import { withUio } from '../kern/uio-transfer.js';
import { Sockets } from '../kern/uipc-socket.js';
import { SocketStates } from '../kern/uipc-sockstate.js';
import { UserMemory } from '../kern/user-memory.js';
import type { FreebsdKernel } from '../kernel.js';
import type { CallNumber, FileStatus, OpenFile, ReadResult } from './open-file.js';

const PERMISSIONS = 0o777;
/** sys/sys/filio.h: _IOW('f', 126, int) and _IOR('f', 127, int). */
const FIONBIO = 0x8004_667e;
const FIONREAD = 0x4004_667f;

/** A socket as an open file (sys/kern/sys_socket.c). */
export class SocketFile implements OpenFile {
  readonly path = '';
  readonly file = 0;
  offset = 0;
  readonly flags: number;

  constructor(
    private readonly k: FreebsdKernel,
    readonly so: Ptr,
  ) {
    this.flags = k.macro('FREAD') | k.macro('FWRITE');
  }

  private get type() {
    return this.k.struct('socket');
  }

  *read(count: number): Sleepable<ReadResult> {
    const { k } = this;
    const user = k.get(UserMemory);
    const buffer = user.allocate(count);
    try {
      const how = { buffer, count, offset: 0n, writes: false };
      const { errno, moved } = yield* this.using(
        withUio(k, how, (uio) => k.get(Sockets).call(this.so, 'pr_soreceive', this.so, 0, uio, 0, 0, 0)),
      );
      return errno === 0 ? k.space.bytes.slice(buffer, buffer + moved) : { errno };
    } finally {
      user.free(buffer);
    }
  }

  *write(bytes: Uint8Array): Sleepable<CallNumber> {
    return yield* this.send(bytes, 0, 0);
  }

  /** send(2) and sendto(2): `address` is a struct sockaddr, or 0. What went before an error is what the call gives. */
  *send(bytes: Uint8Array, flags: number, address: Ptr): Sleepable<CallNumber> {
    const { k } = this;
    const user = k.get(UserMemory);
    const buffer = user.store(bytes);
    try {
      const how = { buffer, count: bytes.length, offset: 0n, writes: true };
      const { errno, moved } = yield* this.using(
        withUio(k, how, (uio) =>
          k.get(Sockets).call(this.so, 'pr_sosend', this.so, address, uio, 0, 0, flags, k.curthread),
        ),
      );
      return errno === 0 || (moved > 0 && isPartial(k, errno)) ? { value: moved } : { errno };
    } finally {
      user.free(buffer);
    }
  }

  /** FIONBIO and FIONREAD. */
  *ioctl(request: number, argument: bigint | Uint8Array): Sleepable<CallNumber> {
    yield* [];
    const { k, so, type } = this;
    if (typeof argument === 'bigint' || argument.length < 4) return { errno: ENOTTY };
    const view = new DataView(argument.buffer, argument.byteOffset, argument.byteLength);
    switch (request >>> 0) {
      case FIONBIO: {
        const flag = k.macro('SS_NBIO');
        const state = type.get(so, 'so_state');
        type.set(so, 'so_state', view.getInt32(0, true) === 0 ? state & ~flag : state | flag);
        return { value: 0 };
      }
      case FIONREAD: {
        const isListening = k.get(SocketStates).isListening(so);
        view.setInt32(0, isListening ? 0 : type.get(so, 'so_rcv.sb_acc'), true);
        return { value: 0 };
      }
      default:
        return { errno: ENOTTY };
    }
  }

  /** sopoll_generic(), of somebody who does not wait. */
  *poll(events: number): Sleepable<number> {
    yield* [];
    const { k, so, type } = this;
    const sockets = k.get(Sockets);
    const bits = (...names: readonly string[]): number =>
      names.reduce((all, name) => all | k.macro(name), 0) & events;
    let ready = sockets.isReadable(so) ? bits('POLLIN', 'POLLRDNORM') : 0;
    if (k.get(SocketStates).isListening(so)) return ready;
    if (sockets.isWritable(so)) ready |= bits('POLLOUT', 'POLLWRNORM');
    const both =
      type.get(so, 'so_rcv.sb_state') & k.macro('SBS_CANTRCVMORE') &&
      type.get(so, 'so_snd.sb_state') & k.macro('SBS_CANTSENDMORE');
    return both ? ready | k.macro('POLLHUP') : ready;
  }

  private users = 0;
  private isClosed = false;

  /** Runs a call on the socket, which is there until the last such call has ended: fget() and fdrop(). */
  *using<T>(body: Sleepable<T>): Sleepable<T> {
    this.users++;
    const result = yield* body;
    this.users--;
    if (this.isClosed && this.users === 0) yield* this.k.get(Sockets).close(this.so);
    return result;
  }

  *close(): Sleepable<number> {
    this.isClosed = true;
    return this.users > 0 ? 0 : yield* this.k.get(Sockets).close(this.so);
  }

  status(): FileStatus {
    return { kind: 'socket', mode: PERMISSIONS, size: 0, uid: 0, gid: 0 };
  }
}

/** Errors that do not take back what was sent before them. */
function isPartial(k: FreebsdKernel, errno: number): boolean {
  return ['EWOULDBLOCK', 'EINTR', 'ERESTART'].some((name) => k.macro(name) === errno);
}
