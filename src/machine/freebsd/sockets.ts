import { type Accepted, type Received, SocketCalls } from '../../freebsd/fs/socket-calls.js';
import type { FreebsdKernel } from '../../freebsd/kernel.js';
import type { Sleepable } from '../../kernel/effects.js';
import { MachineError } from '../errors.js';
import { bytesOf } from '../terminal.js';
import { freebsdError } from './errors.js';
import type { Perform } from './file-system.js';

/** A name in the file tree of a local socket, or the bytes of any struct sockaddr. */
export type SocketAddress = string | Uint8Array;
/** Kinds of sockets, by their names in sys/socket.h without SOCK_. */
export type SocketType = 'STREAM' | 'DGRAM' | 'SEQPACKET' | 'RAW';

interface Failed {
  readonly errno: number;
}

/** What is said of a socket that is to be made. */
export interface SocketRequest {
  /** AF_LOCAL where nothing is said. */
  readonly family?: number;
  readonly protocol?: number;
  /** Calls that would wait fail with EAGAIN (SOCK_NONBLOCK). */
  readonly nonblocking?: boolean;
}

/** System calls on sockets, each made by a process of its own that runs until it is done. Failures are MachineErrors. */
export class FreebsdSockets {
  private readonly calls: SocketCalls;

  constructor(
    private readonly kernel: FreebsdKernel,
    private readonly perform: Perform,
  ) {
    this.calls = kernel.get(SocketCalls);
  }

  /** socket(2): a descriptor, which `fs` closes, reads and writes. */
  socket(type: SocketType, request: SocketRequest = {}): number {
    const { family, flags, protocol } = this.numbers(type, request);
    return this.call('socket', () => this.calls.socket(family, flags, protocol)).value;
  }

  /** socketpair(2). */
  pair(type: SocketType, request: SocketRequest = {}): readonly [number, number] {
    const { family, flags, protocol } = this.numbers(type, request);
    return this.call('socketpair', () => this.calls.pair(family, flags, protocol));
  }

  private numbers(type: SocketType, { family, protocol = 0, nonblocking }: SocketRequest) {
    const { kernel } = this;
    const flags = kernel.macro(`SOCK_${type}`) | (nonblocking ? kernel.macro('SOCK_NONBLOCK') : 0);
    return { family: family ?? kernel.macro('AF_LOCAL'), flags, protocol };
  }

  bind(descriptor: number, address: SocketAddress): void {
    this.call('bind', () => this.calls.bind(descriptor, this.addressOf(address)));
  }

  listen(descriptor: number, backlog = -1): void {
    this.call('listen', () => this.calls.listen(descriptor, backlog));
  }

  accept(descriptor: number): Accepted {
    return this.call('accept', () => this.calls.accept(descriptor));
  }

  connect(descriptor: number, address: SocketAddress): void {
    this.call('connect', () => this.calls.connect(descriptor, this.addressOf(address)));
  }

  /** send(2), or sendto(2) with an address: how many bytes went. */
  send(descriptor: number, content: Uint8Array | string, flags = 0, address?: SocketAddress): number {
    const to = address === undefined ? undefined : this.addressOf(address);
    return this.call('send', () => this.calls.send(descriptor, bytesOf(content), flags, to)).value;
  }

  /** recvfrom(2). */
  receive(descriptor: number, count: number, flags = 0): Received {
    return this.call('recv', () => this.calls.receive(descriptor, count, flags));
  }

  /** shutdown(2): SHUT_RD, SHUT_WR or SHUT_RDWR. */
  shutdown(descriptor: number, how: 'RD' | 'WR' | 'RDWR'): void {
    this.call('shutdown', () => this.calls.shutdown(descriptor, this.kernel.macro(`SHUT_${how}`)));
  }

  setOption(descriptor: number, level: number, name: number, value: Uint8Array | undefined): void {
    this.call('setsockopt', () => this.calls.setOption(descriptor, level, name, value));
  }

  getOption(descriptor: number, level: number, name: number, count: number): Uint8Array {
    return this.call('getsockopt', () => this.calls.getOption(descriptor, level, name, count));
  }

  /** SO_ACCEPTFILTER: an accept filter for a listening socket, or none any longer. */
  setAcceptFilter(descriptor: number, filter: string | undefined, argument = ''): void {
    const { kernel } = this;
    const value = filter === undefined ? undefined : this.acceptFilterArg(filter, argument);
    this.setOption(descriptor, kernel.macro('SOL_SOCKET'), kernel.macro('SO_ACCEPTFILTER'), value);
  }

  /** The accept filter that a listening socket has. */
  acceptFilter(descriptor: number): string {
    const { kernel } = this;
    const type = kernel.struct('accept_filter_arg');
    const [level, name] = [kernel.macro('SOL_SOCKET'), kernel.macro('SO_ACCEPTFILTER')];
    return textIn(this.getOption(descriptor, level, name, type.size), type.offsetOf('af_name'));
  }

  /** struct accept_filter_arg. */
  private acceptFilterArg(filter: string, argument: string): Uint8Array {
    const type = this.kernel.struct('accept_filter_arg');
    const bytes = new Uint8Array(type.size);
    bytes.set(bytesOf(filter).subarray(0, type.offsetOf('af_arg') - 1), type.offsetOf('af_name'));
    bytes.set(
      bytesOf(argument).subarray(0, type.size - type.offsetOf('af_arg') - 1),
      type.offsetOf('af_arg'),
    );
    return bytes;
  }

  /** getsockname(2), of a local socket: '' for one without a name. */
  name(descriptor: number): string {
    return this.pathIn(this.call('getsockname', () => this.calls.name(descriptor)));
  }

  /** getpeername(2), of a local socket. */
  peer(descriptor: number): string {
    return this.pathIn(this.call('getpeername', () => this.calls.peer(descriptor)));
  }

  /** The name that a struct sockaddr_un has. */
  pathIn(address: Uint8Array): string {
    return textIn(address, this.kernel.struct('sockaddr_un').offsetOf('sun_path'));
  }

  private addressOf(address: SocketAddress): Uint8Array {
    if (typeof address !== 'string') return address;
    const { kernel } = this;
    const path = bytesOf(address);
    const start = kernel.struct('sockaddr_un').offsetOf('sun_path');
    const bytes = new Uint8Array(start + path.length + 1);
    bytes[kernel.struct('sockaddr_un').offsetOf('sun_family')] = kernel.macro('AF_LOCAL');
    bytes.set(path, start);
    return bytes;
  }

  private call<T>(what: string, body: () => Sleepable<T | Failed>): T {
    const result = this.perform(what, body);
    if (typeof result !== 'object' || result === null || !('errno' in result)) return result as T;
    const error = freebsdError((result as Failed).errno);
    throw new MachineError(`${what}: ${error.text}`, { error });
  }
}

/** The NUL-terminated text that begins at a place. */
function textIn(bytes: Uint8Array, start: number): string {
  const end = bytes.indexOf(0, start);
  return new TextDecoder().decode(bytes.subarray(start, end < 0 ? bytes.length : end));
}
