import type { Ptr } from '../../../cpu/layout.js';
import type { StructType } from '../../../kernel/abi/struct.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { AF_INET, AF_INET6 } from '../../abi/socket.js';
import { EAFNOSUPPORT, EINVAL, ENFILE } from '../../errno.js';
import { IovIter } from '../../fs/iov-iter.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import { WaitQueues } from '../../sched/wait.js';
import type { Subsystem } from '../../subsystem.js';
import { InetSockets } from '../ipv4/af-inet.js';
import { ProtocolFamilies } from './families.js';

export const SOCK_MAX = 11;

/** Sockets as the kernel itself uses them: struct socket (net/socket.c). */
export class KernelSockets implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sock_create_kern: (net: Ptr, family: number, type: number, protocol: number, slot: Ptr) =>
      this.createInto(net, family, type, protocol, slot),
    sock_create: (family: number, type: number, protocol: number, slot: Ptr) =>
      this.createInto(this.k.symbol('init_net'), family, type, protocol, slot, false),
    __sock_create: (net: Ptr, family: number, type: number, protocol: number, slot: Ptr, kern: number) =>
      this.createInto(net, family, type, protocol, slot, kern !== 0),
    sock_create_lite: (_family: number, type: number, _protocol: number, slot: Ptr) => {
      const socket = this.allocate();
      if (socket === 0) return -ENFILE;
      this.socket.set(socket, 'type', type);
      this.k.space.storePtr(slot, socket);
      return 0;
    },
    sock_alloc: () => this.allocate(),
    sock_release: (socket: Ptr) => this.release(socket),
    kernel_bind: (socket: Ptr, address: Ptr, length: number) => this.ask(socket, 'bind', address, length),
    kernel_listen: (socket: Ptr, backlog: number) => this.ask(socket, 'listen', backlog),
    kernel_connect: (socket: Ptr, address: Ptr, length: number, flags: number) =>
      this.ask(socket, 'connect', address, length, flags),
    kernel_getsockname: (socket: Ptr, address: Ptr) => this.ask(socket, 'getname', address, 0),
    kernel_getpeername: (socket: Ptr, address: Ptr) => this.ask(socket, 'getname', address, 1),
    kernel_sendmsg: (socket: Ptr, message: Ptr, vector: Ptr, segments: number, size: number) =>
      this.sendKernel(socket, message, vector, segments, size),
    kernel_recvmsg: (socket: Ptr, message: Ptr, vector: Ptr, segments: number, size: number, flags: number) =>
      this.receiveKernel(socket, message, vector, segments, size, flags),
    kernel_sock_shutdown: (socket: Ptr, how: number) => this.ask(socket, 'shutdown', how),
  };

  /** __sock_create(): writes a struct socket, by default one of the kernel's own, to the slot; 0 or a negative errno. */
  *createInto(
    net: Ptr,
    family: number,
    type: number,
    protocol: number,
    slot: Ptr,
    kern = true,
  ): Sleepable<number> {
    const { k } = this;
    if (family < 0) return -EAFNOSUPPORT;
    if (type < 0 || type >= SOCK_MAX) return -EINVAL;
    const socket = this.allocate();
    if (socket === 0) return -ENFILE;
    this.socket.set(socket, 'type', type);
    const error = yield* this.createIn(net, family, socket, protocol, kern);
    if (error < 0) {
      yield* this.release(socket);
      return error;
    }
    k.space.storePtr(slot, socket);
    return 0;
  }

  private *createIn(
    net: Ptr,
    family: number,
    socket: Ptr,
    protocol: number,
    kern: boolean,
  ): Sleepable<number> {
    const { k } = this;
    if (family === AF_INET || family === AF_INET6)
      return yield* k.get(InetSockets).create(net, socket, protocol, family, kern);
    const modules = k.get(Modules);
    let operations = k.get(ProtocolFamilies).family(family);
    if (operations === 0 && modules.requestModule) {
      yield* modules.requestModule(`net-pf-${family}`);
      operations = k.get(ProtocolFamilies).family(family);
    }
    const type = k.struct('net_proto_family');
    if (operations === 0 || !modules.tryGet(type.get(operations, 'owner'))) return -EAFNOSUPPORT;
    const error = yield* type.call(operations, 'create', net, socket, protocol, kern ? 1 : 0);
    const owner = this.socket.get(socket, 'ops');
    if (error >= 0 && owner !== 0) modules.getStruct(k.struct('proto_ops').get(owner, 'owner'));
    modules.putStruct(type.get(operations, 'owner'));
    return error;
  }

  /** sock_alloc(): an unconnected socket, in a struct socket_alloc as the file system has them. */
  allocate(): Ptr {
    const { k } = this;
    const at = k.slab.allocateBytes(k.sizeOf('socket_alloc'), true);
    if (at === 0) return 0;
    const socket = k.struct('socket_alloc').addr(at, 'socket');
    this.socket.set(socket, 'state', k.enumValue('SS_UNCONNECTED'));
    k.get(WaitQueues).init(this.socket.addr(socket, 'wq.wait'));
    return socket;
  }

  /** sock_release(): the protocol's release, its module's reference, the memory. */
  *release(socket: Ptr): Sleepable<void> {
    const { k } = this;
    const operations = this.socket.get(socket, 'ops');
    if (operations !== 0) {
      const type = k.struct('proto_ops');
      const owner = type.get(operations, 'owner');
      yield* type.call(operations, 'release', socket);
      this.socket.set(socket, 'sk', 0);
      this.socket.set(socket, 'ops', 0);
      k.get(Modules).putStruct(owner);
    }
    k.slab.free(k.struct('socket_alloc').of(socket, 'socket'));
  }

  private *ask(socket: Ptr, operation: string, ...args: number[]): Sleepable<number> {
    const operations = this.socket.get(socket, 'ops');
    return yield* this.k.struct('proto_ops').call(operations, operation, socket, ...args);
  }

  /** kernel_sendmsg(): a message out of buffers of the kernel's own. */
  private *sendKernel(
    socket: Ptr,
    message: Ptr,
    vector: Ptr,
    segments: number,
    size: number,
  ): Sleepable<number> {
    const iter = this.k.struct('msghdr').addr(message, 'msg_iter');
    this.k.get(IovIter).initKernel(iter, true, vector, segments, size);
    return yield* this.ask(socket, 'sendmsg', message, size);
  }

  /** kernel_recvmsg(): a message into buffers of the kernel's own. */
  private *receiveKernel(
    socket: Ptr,
    message: Ptr,
    vector: Ptr,
    segments: number,
    size: number,
    flags: number,
  ): Sleepable<number> {
    const type = this.k.struct('msghdr');
    type.set(message, 'msg_control_is_user', 0);
    this.k.get(IovIter).initKernel(type.addr(message, 'msg_iter'), false, vector, segments, size);
    return yield* this.ask(socket, 'recvmsg', message, size, flags);
  }

  private get socket(): StructType {
    return this.k.struct('socket');
  }
}
