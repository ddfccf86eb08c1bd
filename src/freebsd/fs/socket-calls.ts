import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { EALREADY, EBADF, EINPROGRESS, EINTR, EINVAL, ENOTSOCK } from '../errno.js';
import { Locks } from '../kern/locks.js';
import { Malloc } from '../kern/malloc.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import { withUio } from '../kern/uio-transfer.js';
import { Listening } from '../kern/uipc-listen.js';
import { Sockets } from '../kern/uipc-socket.js';
import { SocketOptions } from '../kern/uipc-sockopt.js';
import { SocketStates } from '../kern/uipc-sockstate.js';
import { UserMemory } from '../kern/user-memory.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Files } from './files.js';
import type { CallNumber } from './open-file.js';
import { SocketFile } from './socket-file.js';

interface Failed {
  readonly errno: number;
}

/** What recvfrom(2) gives. */
export interface Received {
  readonly bytes: Uint8Array;
  /** The sender's struct sockaddr, where the protocol tells it. */
  readonly address: Uint8Array | undefined;
  /** MSG_EOR, MSG_TRUNC, ... */
  readonly flags: number;
}

/** A connection that was accepted, and the peer's struct sockaddr. */
export interface Accepted {
  readonly descriptor: number;
  readonly address: Uint8Array;
}

/** Bytes of the longest struct sockaddr (SOCK_MAXADDRLEN). */
const LONGEST_ADDRESS = 255;

/** System calls on sockets (sys/kern/uipc_syscalls.c). Addresses are the bytes of a struct sockaddr. */
export class SocketCalls implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: FreebsdKernel) {}

  private get type() {
    return this.k.struct('socket');
  }

  /** socket(2): a descriptor. `type` may have SOCK_NONBLOCK. */
  *socket(family: number, type: number, protocol = 0): Sleepable<CallNumber> {
    const so = yield* this.create(family, type, protocol);
    return typeof so === 'object' ? { value: this.install(so.so) } : { errno: so };
  }

  private *create(family: number, given: number, protocol: number): Sleepable<number | { readonly so: Ptr }> {
    const { k } = this;
    const nonblocking = k.macro('SOCK_NONBLOCK');
    const type = given & ~(nonblocking | k.macro('SOCK_CLOEXEC'));
    const cred = k.struct('thread').get(k.curthread, 'td_ucred');
    const result = yield* k.get(Sockets).create(family, type, protocol, cred, k.curthread);
    if (typeof result === 'object' && given & nonblocking)
      this.type.set(result.so, 'so_state', this.type.get(result.so, 'so_state') | k.macro('SS_NBIO'));
    return result;
  }

  private install(so: Ptr): number {
    return this.k.get(Files).install(new SocketFile(this.k, so));
  }

  /** socketpair(2): two descriptors. */
  *pair(family: number, type: number, protocol = 0): Sleepable<readonly [number, number] | Failed> {
    const { k } = this;
    const first = yield* this.create(family, type, protocol);
    if (typeof first === 'number') return { errno: first };
    const second = yield* this.create(family, type, protocol);
    if (typeof second === 'number') {
      yield* k.get(Sockets).close(first.so);
      return { errno: second };
    }
    const sockets = k.get(Sockets);
    const isDatagram = this.type.get(first.so, 'so_type') === k.macro('SOCK_DGRAM');
    let errno = yield* sockets.call(first.so, 'pr_connect2', first.so, second.so);
    if (errno === 0 && isDatagram) errno = yield* sockets.call(second.so, 'pr_connect2', second.so, first.so);
    if (errno === 0) return [this.install(first.so), this.install(second.so)];
    for (const { so } of [first, second]) yield* sockets.close(so);
    return { errno };
  }

  private socketOf(descriptor: number): SocketFile | number {
    const file = this.k.get(Files).file(descriptor);
    if (!file) return EBADF;
    return file instanceof SocketFile ? file : ENOTSOCK;
  }

  /** Runs something with a descriptor's socket. */
  private *on<T>(
    descriptor: number,
    body: (so: Ptr, file: SocketFile) => Sleepable<T>,
  ): Sleepable<T | Failed> {
    const file = this.socketOf(descriptor);
    return typeof file === 'number' ? { errno: file } : yield* file.using(body(file.so, file));
  }

  private *errnoOn(descriptor: number, body: (so: Ptr) => Sleepable<number>): Sleepable<CallNumber> {
    return yield* this.on(descriptor, function* (so): Sleepable<CallNumber> {
      const errno = yield* body(so);
      return errno === 0 ? { value: 0 } : { errno };
    });
  }

  /** getsockaddr(): a copy in the kernel's memory while `body` runs. */
  private *withAddress<T>(address: Uint8Array, body: (at: Ptr) => Sleepable<T>): Sleepable<T | Failed> {
    const { k } = this;
    if (address.length < 2 || address.length > LONGEST_ADDRESS) return { errno: EINVAL };
    const at = k.get(Malloc).malloc(address.length, k.variable('M_SONAME'), k.macro('M_WAITOK'));
    k.space.writable(at, address.length).set(address);
    k.struct('sockaddr').set(at, 'sa_len', address.length);
    const result = yield* body(at);
    k.get(Sockets).freeAddress(at);
    return result;
  }

  *bind(descriptor: number, address: Uint8Array): Sleepable<CallNumber> {
    const { k } = this;
    return yield* this.withAddress(address, (at) =>
      this.errnoOn(descriptor, (so) => k.get(Sockets).call(so, 'pr_bind', so, at, k.curthread)),
    );
  }

  *listen(descriptor: number, backlog: number): Sleepable<CallNumber> {
    const { k } = this;
    return yield* this.errnoOn(descriptor, (so) => k.get(Listening).listen(so, backlog, k.curthread));
  }

  /** accept(2): waits for a connection, unless the socket does not wait. */
  *accept(descriptor: number): Sleepable<Accepted | Failed> {
    const { k } = this;
    const self = this;
    return yield* this.on(descriptor, function* (head): Sleepable<Accepted | Failed> {
      if (!k.get(SocketStates).isListening(head)) return { errno: EINVAL };
      const next = yield* k.get(Listening).dequeue(head, k.macro('ACCEPT4_INHERIT'));
      if (typeof next === 'number') return { errno: next };
      const { so } = next;
      const taken = yield* self.named((place) => k.get(Sockets).accept(so, place));
      if (taken instanceof Uint8Array) return { descriptor: self.install(so), address: taken };
      yield* k.get(Sockets).close(so);
      return taken;
    });
  }

  /** The struct sockaddr that a function gives. */
  private *named(body: (place: Ptr) => Sleepable<number>): Sleepable<Uint8Array | Failed> {
    const { k } = this;
    return yield* withScratch(k, 8, function* (place): Sleepable<Uint8Array | Failed> {
      const errno = yield* body(place);
      const at = k.space.loadPtr(place);
      const bytes = addressAt(k, at);
      if (at !== 0) k.get(Sockets).freeAddress(at);
      return errno === 0 ? (bytes ?? new Uint8Array()) : { errno };
    });
  }

  /** connect(2). */
  *connect(descriptor: number, address: Uint8Array): Sleepable<CallNumber> {
    const { k } = this;
    return yield* this.withAddress(address, (at) =>
      this.errnoOn(descriptor, (so) => this.connectTo(so, at, k.curthread)),
    );
  }

  private *connectTo(so: Ptr, address: Ptr, thread: Ptr): Sleepable<number> {
    const { k, type } = this;
    const states = k.get(SocketStates);
    const isConnecting = (): boolean => states.has(so, 'so_state', 'SS_ISCONNECTING');
    if (isConnecting()) return EALREADY;
    const errno = yield* k.get(Sockets).connect(so, address, thread);
    if (errno !== 0) return errno;
    if (states.has(so, 'so_state', 'SS_NBIO') && isConnecting()) return EINPROGRESS;
    while (isConnecting() && type.get(so, 'so_error') === 0) {
      k.get(Locks).mightSleep('Sleeping on "connec"');
      const waking = yield* k
        .get(SleepQueues)
        .sleep(type.addr(so, 'so_timeo'), { message: 'connec', interruptible: true });
      if (waking !== 'wakeup') return EINTR;
    }
    const error = type.get(so, 'so_error');
    type.set(so, 'so_error', 0);
    return error;
  }

  /** send(2) and, with an address, sendto(2): how many bytes went. */
  *send(descriptor: number, bytes: Uint8Array, flags = 0, address?: Uint8Array): Sleepable<CallNumber> {
    if (address)
      return yield* this.withAddress(address, (at) =>
        this.on(descriptor, (_so, file) => file.send(bytes, flags, at)),
      );
    return yield* this.on(descriptor, (_so, file) => file.send(bytes, flags, 0));
  }

  /** recvfrom(2). */
  *receive(descriptor: number, count: number, flags = 0): Sleepable<Received | Failed> {
    const { k } = this;
    return yield* this.on(descriptor, (so) =>
      withScratch(k, 16, function* (places): Sleepable<Received | Failed> {
        const user = k.get(UserMemory);
        const buffer = user.allocate(count);
        const flagsAt = places + 8;
        k.space.store32(flagsAt, flags);
        try {
          const how = { buffer, count, offset: 0n, writes: false };
          const { errno, moved } = yield* withUio(k, how, (uio) =>
            k.get(Sockets).call(so, 'pr_soreceive', so, places, uio, 0, 0, flagsAt),
          );
          const from = k.space.loadPtr(places);
          const address = addressAt(k, from);
          if (from !== 0) k.get(Sockets).freeAddress(from);
          if (errno !== 0) return { errno };
          const told = k.space.load32(flagsAt) & ~flags;
          return { bytes: k.space.bytes.slice(buffer, buffer + moved), address, flags: told };
        } finally {
          user.free(buffer);
        }
      }),
    );
  }

  *shutdown(descriptor: number, how: number): Sleepable<CallNumber> {
    return yield* this.errnoOn(descriptor, (so) => this.k.get(Sockets).shutdown(so, how));
  }

  /** setsockopt(2): undefined for no value (a null pointer). */
  *setOption(
    descriptor: number,
    level: number,
    name: number,
    value: Uint8Array | undefined,
  ): Sleepable<CallNumber> {
    const { k } = this;
    const bytes = value ?? new Uint8Array();
    return yield* this.errnoOn(descriptor, (so) =>
      this.option({ dir: 'SOPT_SET', level, name, bytes, isNull: value === undefined }, (option) =>
        k.get(SocketOptions).set(so, option),
      ),
    );
  }

  /** getsockopt(2): at most `count` bytes of the value. */
  *getOption(descriptor: number, level: number, name: number, count: number): Sleepable<Uint8Array | Failed> {
    const { k } = this;
    const self = this;
    return yield* this.on(descriptor, function* (so): Sleepable<Uint8Array | Failed> {
      const bytes = new Uint8Array(count);
      let given = 0;
      const what = { dir: 'SOPT_GET', level, name, bytes, isNull: false } as const;
      const errno = yield* self.option(what, function* (option) {
        const result = yield* k.get(SocketOptions).get(so, option);
        given = k.struct('sockopt').get(option, 'sopt_valsize');
        return result;
      });
      return errno === 0 ? bytes.subarray(0, given) : { errno };
    });
  }

  /** A struct sockopt over user memory with a copy of `bytes`, which are what is there afterwards. */
  private *option(
    what: {
      readonly dir: 'SOPT_SET' | 'SOPT_GET';
      readonly level: number;
      readonly name: number;
      readonly bytes: Uint8Array;
      readonly isNull: boolean;
    },
    body: (option: Ptr) => Sleepable<number>,
  ): Sleepable<number> {
    const { k } = this;
    const type = k.struct('sockopt');
    const user = k.get(UserMemory);
    const buffer = user.store(what.bytes);
    try {
      return yield* withScratch(k, type.size, function* (option) {
        type.set(option, 'sopt_dir', k.enumValue(what.dir));
        type.set(option, 'sopt_level', what.level);
        type.set(option, 'sopt_name', what.name);
        type.set(option, 'sopt_val', what.isNull ? 0 : buffer);
        type.set(option, 'sopt_valsize', what.bytes.length);
        type.set(option, 'sopt_td', k.curthread);
        const errno = yield* body(option);
        what.bytes.set(k.space.bytes.subarray(buffer, buffer + what.bytes.length));
        return errno;
      });
    } finally {
      user.free(buffer);
    }
  }

  /** getsockname(2). */
  *name(descriptor: number): Sleepable<Uint8Array | Failed> {
    return yield* this.on(descriptor, (so) =>
      this.named((place) => this.k.get(Sockets).call(so, 'pr_sockaddr', so, place)),
    );
  }

  /** getpeername(2). */
  *peer(descriptor: number): Sleepable<Uint8Array | Failed> {
    const { k } = this;
    return yield* this.on(descriptor, (so): Sleepable<Uint8Array | Failed> => {
      return this.named((place) => k.get(Sockets).peerAddress(so, place));
    });
  }
}

function addressAt(k: FreebsdKernel, at: Ptr): Uint8Array | undefined {
  if (at === 0) return undefined;
  return k.space.bytes.slice(at, at + k.struct('sockaddr').get(at, 'sa_len'));
}
