import type { Ptr } from '../../cpu/layout.js';
import { runNow, type Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { SpecialNode } from '../../kernel/files/index.js';
import {
  EADDRINUSE,
  EAFNOSUPPORT,
  ECONNREFUSED,
  ECONNRESET,
  EDESTADDRREQ,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOBUFS,
  ENOENT,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPIPE,
  EPROTOTYPE,
} from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mbufs } from './kern-mbuf.js';
import { Credentials } from './kern-prot.js';
import { Domains, SLOT_BYTES } from './uipc-domain.js';
import { Listening } from './uipc-listen.js';
import { MbufUio } from './uipc-mbuf-uio.js';
import { Sockbufs } from './uipc-sockbuf.js';
import { Sockets } from './uipc-socket.js';
import { SocketOptions } from './uipc-sockopt.js';
import { SocketStates } from './uipc-sockstate.js';

/** Bytes that buffers begin with: net.local.{stream,seqpacket,dgram}.*space. */
const PIPSIZ = 8192;
const LARGEST_DATAGRAM = 8192;
const DATAGRAM_ROOM = 16_384;
const PERMISSIONS = 0o755;

/** Local sockets (sys/kern/uipc_usrreq.c): streams, records and datagrams within the machine, with names in the file tree. */
export class LocalSockets implements Subsystem {
  readonly exports = {};
  /** Which socket a name in the file tree is of. */
  private readonly bound = new Map<string, Ptr>();
  /** sun_noname: the address of who has none. */
  private noName: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  private get socket() {
    return this.k.struct('socket');
  }

  private get unpcb() {
    return this.k.struct('unpcb');
  }

  private get states(): SocketStates {
    return this.k.get(SocketStates);
  }

  /** localdomain with its three protocols. */
  boot(): void {
    const { k } = this;
    const domain = k.struct('domain');
    const sockaddr = k.struct('sockaddr');
    this.noName = k.permanent(sockaddr.size);
    sockaddr.set(this.noName, 'sa_len', sockaddr.size);
    sockaddr.set(this.noName, 'sa_family', k.macro('AF_LOCAL'));
    const protocols = [
      this.protocol('SOCK_STREAM', ['PR_CONNREQUIRED', 'PR_WANTRCVD']),
      this.protocol('SOCK_DGRAM', ['PR_ATOMIC', 'PR_ADDR']),
      this.protocol('SOCK_SEQPACKET', ['PR_ADDR', 'PR_ATOMIC', 'PR_CONNREQUIRED', 'PR_WANTRCVD']),
    ];
    const at = k.permanent(domain.size + protocols.length * SLOT_BYTES);
    domain.set(at, 'dom_family', k.macro('AF_LOCAL'));
    domain.set(at, 'dom_name', k.constantString('local'));
    domain.set(at, 'dom_nprotosw', protocols.length);
    for (const [i, protocol] of protocols.entries())
      k.space.storePtr(domain.addr(at, 'dom_protosw') + i * SLOT_BYTES, protocol);
    runNow(k.get(Domains).add(at));
  }

  private protocol(type: string, flags: readonly string[]): Ptr {
    const { k } = this;
    const protosw = k.struct('protosw');
    const at = k.permanent(protosw.size);
    protosw.set(at, 'pr_type', k.macro(type));
    protosw.set(
      at,
      'pr_flags',
      ['PR_RIGHTS', ...flags].reduce((bits, flag) => bits | k.macro(flag), 0),
    );
    const bind = protosw.bind.bind(protosw);
    bind(at, 'pr_attach', 'uipc_attach', (so: Ptr) => this.attach(so));
    bind(at, 'pr_detach', 'uipc_detach', (so: Ptr) => this.detach(so));
    bind(at, 'pr_abort', 'uipc_abort', (so: Ptr) => this.abort(so));
    bind(at, 'pr_bind', 'uipc_bind', (so: Ptr, address: Ptr) => this.bind(so, address));
    bind(at, 'pr_connect', 'uipc_connect', (so: Ptr, address: Ptr) => this.connect(so, address));
    bind(at, 'pr_connect2', 'uipc_connect2', (so: Ptr, other: Ptr) => this.join(so, other));
    bind(at, 'pr_disconnect', 'uipc_disconnect', (so: Ptr) => this.disconnect(so));
    bind(at, 'pr_shutdown', 'uipc_shutdown', (so: Ptr) => this.shutdown(so));
    bind(at, 'pr_ctloutput', 'uipc_ctloutput', (so: Ptr, option: Ptr) => this.option(so, option));
    bind(at, 'pr_sockaddr', 'uipc_sockaddr', (so: Ptr, place: Ptr) => this.giveName(so, place));
    bind(at, 'pr_peeraddr', 'uipc_peeraddr', (so: Ptr, place: Ptr) => this.givePeer(so, place));
    if (type === 'SOCK_DGRAM') {
      bind(at, 'pr_sosend', 'uipc_sosend_dgram', (so: Ptr, address: Ptr, uio: Ptr, m: Ptr, control: Ptr) =>
        this.sendDatagram(so, address, uio, m, control),
      );
      protosw.set(at, 'pr_soreceive', k.fn('soreceive_dgram'));
      return at;
    }
    bind(at, 'pr_accept', 'uipc_accept', (so: Ptr, place: Ptr) => this.givePeer(so, place));
    bind(at, 'pr_listen', 'uipc_listen', (so: Ptr, backlog: number) => this.listen(so, backlog));
    bind(at, 'pr_rcvd', 'uipc_rcvd', (so: Ptr) => this.received(so));
    bind(at, 'pr_send', 'uipc_send', (so: Ptr, flags: number, m: Ptr, address: Ptr, control: Ptr) =>
      this.send(so, flags, m, address, control),
    );
    return at;
  }

  private *attach(so: Ptr): Sleepable<number> {
    const { k } = this;
    const isDatagram = this.socket.get(so, 'so_type') === k.macro('SOCK_DGRAM');
    const [send, receive] = isDatagram ? [LARGEST_DATAGRAM, DATAGRAM_ROOM] : [PIPSIZ, PIPSIZ];
    if (this.socket.get(so, 'so_snd.sb_hiwat') === 0 || this.socket.get(so, 'so_rcv.sb_hiwat') === 0) {
      const error = k.get(Sockets).reserve(so, send, receive);
      if (error !== 0) return error;
    }
    const pcb = k.slab.allocateBytes(this.unpcb.size, true);
    this.unpcb.set(pcb, 'unp_socket', so);
    this.socket.set(so, 'so_pcb', pcb);
    yield* [];
    return 0;
  }

  private pcb(so: Ptr): Ptr {
    return this.socket.get(so, 'so_pcb');
  }

  /** The socket at the other end: 0 for none. */
  private peer(so: Ptr): Ptr {
    const other = this.unpcb.get(this.pcb(so), 'unp_conn');
    return other === 0 ? 0 : this.unpcb.get(other, 'unp_socket');
  }

  private isDatagram(so: Ptr): boolean {
    return this.socket.get(so, 'so_type') === this.k.macro('SOCK_DGRAM');
  }

  /** The name that an address says: undefined for none. */
  private pathOf(address: Ptr): string | undefined {
    const { k } = this;
    const type = k.struct('sockaddr_un');
    const length = type.get(address, 'sun_len') - type.offsetOf('sun_path');
    if (length <= 0 || length > type.size - type.offsetOf('sun_path')) return undefined;
    const path = k.space.cstring(type.addr(address, 'sun_path'), length);
    return path;
  }

  private *bind(so: Ptr, address: Ptr): Sleepable<number> {
    const { k, unpcb } = this;
    if (k.struct('sockaddr').get(address, 'sa_family') !== k.macro('AF_LOCAL')) return EAFNOSUPPORT;
    const path = this.pathOf(address);
    const pcb = this.pcb(so);
    if (path === undefined || unpcb.get(pcb, 'unp_addr') !== 0) return EINVAL;
    const found = yield* k.files.resolve(path, { follow: false });
    if (typeof found === 'number') return found;
    if (found.node) return EADDRINUSE;
    if (found.parent.make) {
      const made = yield* found.parent.make(found.name, 'socket', PERMISSIONS);
      if (typeof made === 'number') return made;
    } else {
      const error = k.files.insert(found, new SpecialNode('socket', PERMISSIONS));
      if (error !== 0) return error;
    }
    unpcb.set(pcb, 'unp_addr', k.get(Sockets).duplicate(address));
    this.bound.set(found.path, so);
    return 0;
  }

  private *listen(so: Ptr, backlog: number): Sleepable<number> {
    const { k, unpcb } = this;
    const pcb = this.pcb(so);
    if (unpcb.get(pcb, 'unp_conn') !== 0) return EINVAL;
    if (unpcb.get(pcb, 'unp_addr') === 0) return EDESTADDRREQ;
    const error = yield* k.get(Listening).check(so);
    if (error !== 0) return error;
    this.writeCredentials(pcb);
    k.get(Listening).become(so, backlog);
    return 0;
  }

  /** cru2xt(): the calling thread's credentials, and its process. */
  private writeCredentials(pcb: Ptr): void {
    const { k, unpcb } = this;
    const cred = k.struct('thread').get(k.curthread, 'td_ucred');
    const at = unpcb.addr(pcb, 'unp_peercred');
    k.get(Credentials).export(cred, at);
    const proc = k.struct('thread').get(k.curthread, 'td_proc');
    k.struct('xucred').set(at, 'cr_pid', k.struct('proc').get(proc, 'p_pid'));
  }

  private *connect(so: Ptr, address: Ptr): Sleepable<number> {
    const { k } = this;
    if (k.struct('sockaddr').get(address, 'sa_family') !== k.macro('AF_LOCAL')) return EAFNOSUPPORT;
    const path = this.pathOf(address);
    if (path === undefined) return EINVAL;
    if (this.peer(so) !== 0) return EISCONN;
    const found = yield* k.files.resolve(path);
    if (typeof found === 'number') return found;
    if (!found.node) return ENOENT;
    if (found.node.kind !== 'socket') return ENOTSOCK;
    const target = this.bound.get(found.path);
    if (target === undefined) return ECONNREFUSED;
    if (this.socket.get(so, 'so_type') !== this.socket.get(target, 'so_type')) return EPROTOTYPE;
    if (this.isDatagram(so)) return yield* this.join(so, target);
    const fresh = this.states.isListening(target) ? yield* k.get(Listening).connection(target, 0) : 0;
    if (fresh === 0) return ECONNREFUSED;
    this.introduce(so, target, fresh);
    return yield* this.join(so, fresh);
  }

  /** unp_copy_peercred(), and the name of who listens for what it will accept. */
  private introduce(so: Ptr, listener: Ptr, fresh: Ptr): void {
    const { k, unpcb } = this;
    const [client, head, server] = [so, listener, fresh].map((one) => this.pcb(one));
    const address = unpcb.get(head, 'unp_addr');
    unpcb.set(server, 'unp_addr', k.get(Sockets).duplicate(address));
    this.writeCredentials(server);
    const bytes = k.sizeOf('xucred');
    const [from, to] = [head, client].map((pcb) => unpcb.addr(pcb, 'unp_peercred'));
    k.space.writable(to, bytes).set(k.space.readable(from, bytes));
    const known = k.macro('UNP_HAVEPC');
    for (const pcb of [client, server]) unpcb.set(pcb, 'unp_flags', unpcb.get(pcb, 'unp_flags') | known);
  }

  /** unp_connect2(). */
  private *join(so: Ptr, other: Ptr): Sleepable<number> {
    if (this.socket.get(so, 'so_type') !== this.socket.get(other, 'so_type')) return EPROTOTYPE;
    this.unpcb.set(this.pcb(so), 'unp_conn', this.pcb(other));
    if (!this.isDatagram(so)) this.unpcb.set(this.pcb(other), 'unp_conn', this.pcb(so));
    yield* this.states.connected(so);
    if (!this.isDatagram(so)) yield* this.states.connected(other);
    return 0;
  }

  private *disconnect(so: Ptr): Sleepable<number> {
    const other = this.peer(so);
    if (other === 0) return ENOTCONN;
    this.unpcb.set(this.pcb(so), 'unp_conn', 0);
    if (this.isDatagram(so)) {
      const connected = this.k.macro('SS_ISCONNECTED');
      this.socket.set(so, 'so_state', this.socket.get(so, 'so_state') & ~connected);
      return 0;
    }
    yield* this.states.disconnected(so);
    this.unpcb.set(this.pcb(other), 'unp_conn', 0);
    yield* this.states.disconnected(other);
    return 0;
  }

  /** unp_drop(): what was connected to who goes learns of it. */
  private *drop(so: Ptr): Sleepable<void> {
    this.socket.set(so, 'so_error', ECONNRESET);
    yield* this.disconnect(so);
  }

  private *abort(so: Ptr): Sleepable<void> {
    const other = this.peer(so);
    if (other !== 0) yield* this.drop(other);
  }

  private *detach(so: Ptr): Sleepable<void> {
    const { k, unpcb } = this;
    const pcb = this.pcb(so);
    for (const [path, owner] of this.bound) if (owner === so) this.bound.delete(path);
    if (this.peer(so) !== 0) yield* this.disconnect(so);
    for (const other of k.get(Sockets).all)
      if (this.isLocal(other) && this.peer(other) === so) yield* this.drop(other);
    const address = unpcb.get(pcb, 'unp_addr');
    if (address !== 0) k.get(Sockets).freeAddress(address);
    this.socket.set(so, 'so_pcb', 0);
    k.slab.free(pcb);
  }

  private isLocal(so: Ptr): boolean {
    const { k } = this;
    const domain = k.struct('protosw').get(this.socket.get(so, 'so_proto'), 'pr_domain');
    return k.struct('domain').get(domain, 'dom_family') === k.macro('AF_LOCAL') && this.pcb(so) !== 0;
  }

  private *shutdown(so: Ptr): Sleepable<number> {
    yield* this.states.cannot(so, 'so_snd');
    const other = this.peer(so);
    if (other !== 0 && !this.isDatagram(so)) yield* this.states.cannot(other, 'so_rcv');
    return 0;
  }

  /** The one at the other end has taken something: this one's peer may send again. */
  private *received(so: Ptr): Sleepable<number> {
    const { k, socket } = this;
    const other = this.peer(so);
    if (other === 0) return 0;
    const isRoom =
      socket.get(so, 'so_rcv.sb_acc') < socket.get(other, 'so_snd.sb_hiwat') &&
      socket.get(so, 'so_rcv.sb_mbcnt') < socket.get(other, 'so_snd.sb_mbmax');
    if (isRoom)
      socket.set(other, 'so_snd.sb_flags', socket.get(other, 'so_snd.sb_flags') & ~k.macro('SB_STOP'));
    yield* this.states.wake(other, 'so_snd');
    return 0;
  }

  /** Of streams and records: data goes into the peer's buffer at once. What is not taken is freed. */
  private *send(so: Ptr, flags: number, m: Ptr, address: Ptr, control: Ptr): Sleepable<number> {
    const { k } = this;
    if (control !== 0) throw new Unimplemented('uipc_send', 'control messages');
    const error = yield* this.mayNotSend(so, flags, address);
    if (error !== 0) {
      yield* k.get(Mbufs).freem(m);
      return error;
    }
    const other = this.peer(so);
    const rcv = this.socket.addr(other, 'so_rcv');
    if (this.socket.get(so, 'so_type') === k.macro('SOCK_STREAM')) k.get(Sockbufs).append(rcv, m, false);
    else yield* k.get(Sockbufs).appendAddress(rcv, this.noName, m, 0, true);
    if (this.socket.get(other, 'so_rcv.sb_acc') > 0) yield* this.states.wake(other, 'so_rcv');
    this.holdBack(so, other);
    if (flags & k.enumValue('PRUS_EOF')) yield* this.shutdown(so);
    return 0;
  }

  private *mayNotSend(so: Ptr, flags: number, address: Ptr): Sleepable<number> {
    const { k } = this;
    if (flags & k.enumValue('PRUS_OOB')) return EOPNOTSUPP;
    if (!this.states.has(so, 'so_state', 'SS_ISCONNECTED')) {
      const error = address === 0 ? ENOTCONN : yield* this.connect(so, address);
      if (error !== 0) return error;
    }
    if (this.peer(so) === 0) return ENOTCONN;
    return this.socket.get(so, 'so_snd.sb_state') & k.macro('SBS_CANTSENDMORE') ? EPIPE : 0;
  }

  /** Data waits at the reader: the writer's buffer is as full as the reader's. */
  private holdBack(so: Ptr, other: Ptr): void {
    const { k, socket } = this;
    const isFull =
      socket.get(other, 'so_rcv.sb_acc') >= socket.get(so, 'so_snd.sb_hiwat') ||
      socket.get(other, 'so_rcv.sb_mbcnt') >= socket.get(so, 'so_snd.sb_mbmax');
    if (isFull) socket.set(so, 'so_snd.sb_flags', socket.get(so, 'so_snd.sb_flags') | k.macro('SB_STOP'));
  }

  /** uipc_sosend_dgram(): where an address is given, connected for this one. */
  private *sendDatagram(so: Ptr, address: Ptr, uio: Ptr, top: Ptr, control: Ptr): Sleepable<number> {
    const { k } = this;
    if (control !== 0) throw new Unimplemented('uipc_sosend_dgram', 'control messages');
    const resid = uio === 0 ? 0 : k.struct('uio').get(uio, 'uio_resid');
    if (resid > this.socket.get(so, 'so_snd.sb_hiwat')) return EMSGSIZE;
    const wait = k.macro('M_WAITOK');
    const m = uio === 0 ? top : yield* k.get(MbufUio).fromUio(uio, wait, 0, 0, k.macro('M_PKTHDR'));
    let error = address === 0 ? 0 : yield* this.connect(so, address);
    if (error === 0) {
      error = yield* this.deliver(so, m);
      if (address !== 0) yield* this.disconnect(so);
    }
    if (error !== 0) yield* k.get(Mbufs).freem(m);
    return error;
  }

  private *deliver(so: Ptr, m: Ptr): Sleepable<number> {
    const { k, socket } = this;
    if (socket.get(so, 'so_snd.sb_state') & k.macro('SBS_CANTSENDMORE')) return EPIPE;
    const error = socket.get(so, 'so_error');
    socket.set(so, 'so_error', 0);
    if (error !== 0) return error;
    const other = this.peer(so);
    if (other === 0) return ENOTCONN;
    if (socket.get(other, 'so_rcv.sb_state') & k.macro('SBS_CANTRCVMORE')) return ENOBUFS;
    const from = this.unpcb.get(this.pcb(so), 'unp_addr') || this.noName;
    const taken = yield* k.get(Sockbufs).appendAddress(socket.addr(other, 'so_rcv'), from, m, 0);
    if (taken === 0) return ENOBUFS;
    yield* this.states.wake(other, 'so_rcv');
    return 0;
  }

  private *giveName(so: Ptr, place: Ptr): Sleepable<number> {
    yield* [];
    this.give(this.pcb(so), place);
    return 0;
  }

  private *givePeer(so: Ptr, place: Ptr): Sleepable<number> {
    yield* [];
    this.give(this.unpcb.get(this.pcb(so), 'unp_conn'), place);
    return 0;
  }

  private give(pcb: Ptr, place: Ptr): void {
    const { k } = this;
    const address = pcb === 0 ? 0 : this.unpcb.get(pcb, 'unp_addr');
    k.space.storePtr(place, k.get(Sockets).duplicate(address || this.noName));
  }

  /** LOCAL_PEERCRED of level SOL_LOCAL. */
  private *option(so: Ptr, option: Ptr): Sleepable<number> {
    yield* [];
    const { k } = this;
    const sockopt = k.struct('sockopt');
    if (sockopt.get(option, 'sopt_level') !== k.macro('SOL_LOCAL')) return EINVAL;
    const isPeer = sockopt.get(option, 'sopt_name') === k.macro('LOCAL_PEERCRED');
    if (!isPeer || sockopt.get(option, 'sopt_dir') !== k.enumValue('SOPT_GET')) return EOPNOTSUPP;
    const pcb = this.pcb(so);
    if ((this.unpcb.get(pcb, 'unp_flags') & k.macro('UNP_HAVEPC')) === 0)
      return this.isDatagram(so) ? EINVAL : ENOTCONN;
    return k.get(SocketOptions).copyout(option, this.unpcb.addr(pcb, 'unp_peercred'), k.sizeOf('xucred'));
  }
}
