import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { withScratch } from '../dev/scratch.js';
import { EDOM, EFAULT, EINVAL, ENOBUFS, ENOPROTOOPT } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { nsToSbt, sbtToNs } from './sbintime.js';
import { Uio } from './uio.js';
import { AcceptFilters } from './uipc-accf.js';
import { Sockbufs } from './uipc-sockbuf.js';
import { Sockets } from './uipc-socket.js';
import { SocketStates } from './uipc-sockstate.js';

/** Options that are one bit of so_options. */
const BITS = [
  'SO_DEBUG',
  'SO_KEEPALIVE',
  'SO_DONTROUTE',
  'SO_USELOOPBACK',
  'SO_BROADCAST',
  'SO_REUSEADDR',
  'SO_REUSEPORT',
  'SO_REUSEPORT_LB',
  'SO_OOBINLINE',
  'SO_TIMESTAMP',
  'SO_BINTIME',
  'SO_NOSIGPIPE',
  'SO_NO_DDP',
  'SO_NO_OFFLOAD',
  'SO_RERROR',
] as const;
const SIZES = ['SO_SNDBUF', 'SO_RCVBUF', 'SO_SNDLOWAT', 'SO_RCVLOWAT'] as const;
/** Most seconds of SO_LINGER (USHRT_MAX). */
const MOST_LINGER = 65_535;

/** Where values of a size option are: of a socket with buffers, and of one that listens. */
const PLACES = {
  SO_SNDBUF: ['so_snd.sb_hiwat', 'sol_sbsnd_hiwat'],
  SO_RCVBUF: ['so_rcv.sb_hiwat', 'sol_sbrcv_hiwat'],
  SO_SNDLOWAT: ['so_snd.sb_lowat', 'sol_sbsnd_lowat'],
  SO_RCVLOWAT: ['so_rcv.sb_lowat', 'sol_sbrcv_lowat'],
  SO_SNDTIMEO: ['so_snd.sb_timeo', 'sol_sbsnd_timeo'],
  SO_RCVTIMEO: ['so_rcv.sb_timeo', 'sol_sbrcv_timeo'],
} as const;

/** setsockopt(2) and getsockopt(2) (sys/kern/uipc_socket.c). */
export class SocketOptions implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    sosetopt: (so: Ptr, option: Ptr) => this.set(so, option),
    sogetopt: (so: Ptr, option: Ptr) => this.get(so, option),
    so_setsockopt: (so: Ptr, level: number, name: number, value: Ptr, bytes: number) =>
      this.setFor(so, level, name, value, bytes),
    sooptcopyin: (option: Ptr, to: Ptr, most: number, least: number) => this.copyin(option, to, most, least),
    sooptcopyout: (option: Ptr, from: Ptr, length: number) => this.copyout(option, from, length),
    accept_filt_setopt: (so: Ptr, option: Ptr) => this.setFilter(so, option),
    accept_filt_getopt: (so: Ptr, option: Ptr) => this.getFilter(so, option),
  };

  private get type() {
    return this.k.struct('socket');
  }

  private get sockopt() {
    return this.k.struct('sockopt');
  }

  private named<Name extends string>(option: Ptr, names: readonly Name[]): Name | undefined {
    const number = this.sockopt.get(option, 'sopt_name');
    return names.find((name) => this.k.macro(name) === number);
  }

  private isOf(so: Ptr, option: Ptr): boolean {
    return so !== 0 && this.sockopt.get(option, 'sopt_level') === this.k.macro('SOL_SOCKET');
  }

  private *protocol(so: Ptr, option: Ptr): Sleepable<number> {
    const { k } = this;
    if (k.struct('protosw').get(this.type.get(so, 'so_proto'), 'pr_ctloutput') === 0) return ENOPROTOOPT;
    return yield* k.get(Sockets).call(so, 'pr_ctloutput', so, option);
  }

  /** An option of the kernel's own: so_setsockopt(). */
  private *setFor(so: Ptr, level: number, name: number, value: Ptr, bytes: number): Sleepable<number> {
    return yield* withScratch(this.k, this.sockopt.size, (option) => {
      const { sockopt } = this;
      sockopt.set(option, 'sopt_dir', this.k.enumValue('SOPT_SET'));
      sockopt.set(option, 'sopt_level', level);
      sockopt.set(option, 'sopt_name', name);
      sockopt.set(option, 'sopt_val', value);
      sockopt.set(option, 'sopt_valsize', bytes);
      return this.set(so, option);
    });
  }

  *set(so: Ptr, option: Ptr): Sleepable<number> {
    if (!this.isOf(so, option)) return yield* this.protocol(so, option);
    const error = yield* this.setOwn(so, option);
    // The protocol may want to know, and has nothing to say to it.
    if (error === 0) yield* this.protocol(so, option);
    return error;
  }

  private *setOwn(so: Ptr, option: Ptr): Sleepable<number> {
    const { k, type } = this;
    const bit = this.named(option, BITS);
    if (bit !== undefined)
      return this.withInteger(option, (value) => {
        const options = type.get(so, 'so_options');
        type.set(so, 'so_options', value === 0 ? options & ~k.macro(bit) : options | k.macro(bit));
        return 0;
      });
    const size = this.named(option, SIZES);
    if (size !== undefined) return this.withInteger(option, (value) => this.resize(so, size, value));
    switch (this.sockopt.get(option, 'sopt_name')) {
      case k.macro('SO_ACCEPTFILTER'):
        return yield* this.setFilter(so, option);
      case k.macro('SO_LINGER'):
        return this.setLinger(so, option);
      case k.macro('SO_SNDTIMEO'):
        return this.setTimeout(so, 'SO_SNDTIMEO', option);
      case k.macro('SO_RCVTIMEO'):
        return this.setTimeout(so, 'SO_RCVTIMEO', option);
      default:
        return ENOPROTOOPT;
    }
  }

  private withInteger(option: Ptr, body: (value: number) => number): number {
    return this.withBytes(option, 4, (at) => body(this.k.space.load32(at) | 0));
  }

  private withBytes(option: Ptr, bytes: number, body: (at: Ptr) => number): number {
    const at = this.k.slab.allocateBytes(bytes, true);
    const error = this.copyin(option, at, bytes, bytes) || body(at);
    this.k.slab.free(at);
    return error;
  }

  private place(so: Ptr, name: keyof typeof PLACES): string {
    return PLACES[name][this.k.get(SocketStates).isListening(so) ? 1 : 0];
  }

  /** sbsetopt(). */
  private resize(so: Ptr, name: (typeof SIZES)[number], value: number): number {
    if (value < 1) return EINVAL;
    const isListening = this.k.get(SocketStates).isListening(so);
    const isBuffer = name === 'SO_SNDBUF' || name === 'SO_RCVBUF';
    const sb = this.type.addr(so, name === 'SO_SNDBUF' ? 'so_snd' : 'so_rcv');
    if (isBuffer && !isListening) return this.k.get(Sockbufs).reserve(sb, value) ? 0 : ENOBUFS;
    const most = isBuffer
      ? value
      : this.type.get(so, this.place(so, name === 'SO_SNDLOWAT' ? 'SO_SNDBUF' : 'SO_RCVBUF'));
    this.type.set(so, this.place(so, name), Math.min(value, most));
    return 0;
  }

  private setLinger(so: Ptr, option: Ptr): number {
    const { k, type } = this;
    const linger = k.struct('linger');
    return this.withBytes(option, linger.size, (at) => {
      const seconds = linger.get(at, 'l_linger');
      if (seconds < 0 || seconds > MOST_LINGER) return EDOM;
      const flag = k.macro('SO_LINGER');
      const options = type.get(so, 'so_options');
      type.set(so, 'so_linger', seconds);
      type.set(so, 'so_options', linger.get(at, 'l_onoff') === 0 ? options & ~flag : options | flag);
      return 0;
    });
  }

  private setTimeout(so: Ptr, name: 'SO_SNDTIMEO' | 'SO_RCVTIMEO', option: Ptr): number {
    const timeval = this.k.struct('timeval');
    return this.withBytes(option, timeval.size, (at) => {
      const [seconds, micro] = [timeval.get(at, 'tv_sec'), timeval.get(at, 'tv_usec')];
      if (seconds < 0 || micro < 0 || micro >= 1e6) return EDOM;
      this.type.setBig(so, this.place(so, name), nsToSbt(seconds * 1e9 + micro * 1e3));
      return 0;
    });
  }

  *get(so: Ptr, option: Ptr): Sleepable<number> {
    if (!this.isOf(so, option)) return yield* this.protocol(so, option);
    const { k, type } = this;
    const bit = this.named(option, [...BITS, 'SO_ACCEPTCONN']);
    if (bit !== undefined) return this.giveInteger(option, type.get(so, 'so_options') & k.macro(bit));
    const size = this.named(option, SIZES);
    if (size !== undefined) return this.giveInteger(option, type.get(so, this.place(so, size)));
    const timeout = this.named(option, ['SO_SNDTIMEO', 'SO_RCVTIMEO']);
    if (timeout !== undefined) return this.giveTimeout(option, type.getBig(so, this.place(so, timeout)));
    const own = this.named(option, [
      'SO_TYPE',
      'SO_PROTOCOL',
      'SO_ERROR',
      'SO_LISTENQLIMIT',
      'SO_LISTENQLEN',
      'SO_LISTENINCQLEN',
    ]);
    if (own !== undefined) return this.giveInteger(option, this.integerOf(so, own));
    switch (this.sockopt.get(option, 'sopt_name')) {
      case k.macro('SO_ACCEPTFILTER'):
        return this.getFilter(so, option);
      case k.macro('SO_LINGER'):
        return this.giveLinger(so, option);
      default:
        return ENOPROTOOPT;
    }
  }

  private integerOf(so: Ptr, name: string): number {
    const { k, type } = this;
    const isListening = k.get(SocketStates).isListening(so);
    switch (name) {
      case 'SO_TYPE':
        return type.get(so, 'so_type');
      case 'SO_PROTOCOL':
        return k.struct('protosw').get(type.get(so, 'so_proto'), 'pr_protocol');
      case 'SO_ERROR': {
        const error = type.get(so, 'so_error');
        type.set(so, 'so_error', 0);
        return error;
      }
      case 'SO_LISTENQLIMIT':
        return isListening ? type.get(so, 'sol_qlimit') : 0;
      case 'SO_LISTENQLEN':
        return isListening ? type.get(so, 'sol_qlen') : 0;
      default:
        return isListening ? type.get(so, 'sol_incqlen') : 0;
    }
  }

  private give(option: Ptr, bytes: number, fill: (at: Ptr) => void): number {
    const at = this.k.slab.allocateBytes(bytes, true);
    fill(at);
    const error = this.copyout(option, at, bytes);
    this.k.slab.free(at);
    return error;
  }

  private giveInteger(option: Ptr, value: number): number {
    return this.give(option, 4, (at) => this.k.space.store32(at, value));
  }

  private giveTimeout(option: Ptr, sbt: bigint): number {
    const timeval = this.k.struct('timeval');
    const ns = sbtToNs(sbt);
    return this.give(option, timeval.size, (at) => {
      timeval.set(at, 'tv_sec', Math.floor(ns / 1e9));
      timeval.set(at, 'tv_usec', Math.floor((ns % 1e9) / 1e3));
    });
  }

  private giveLinger(so: Ptr, option: Ptr): number {
    const { k, type } = this;
    const linger = k.struct('linger');
    return this.give(option, linger.size, (at) => {
      linger.set(at, 'l_onoff', type.get(so, 'so_options') & k.macro('SO_LINGER'));
      linger.set(at, 'l_linger', type.get(so, 'so_linger'));
    });
  }

  /** accept_filt_setopt(). */
  private *setFilter(so: Ptr, option: Ptr): Sleepable<number> {
    const filters = this.k.get(AcceptFilters);
    if (option === 0 || this.sockopt.get(option, 'sopt_val') === 0) return yield* filters.detach(so);
    const type = this.k.struct('accept_filter_arg');
    return yield* withScratch(this.k, type.size, (at) => this.attachFilter(so, option, at));
  }

  private *attachFilter(so: Ptr, option: Ptr, at: Ptr): Sleepable<number> {
    const type = this.k.struct('accept_filter_arg');
    const error = this.copyin(option, at, type.size, type.size);
    if (error !== 0) return error;
    return yield* this.k.get(AcceptFilters).attach(so, type.text(at, 'af_name'), type.addr(at, 'af_arg'));
  }

  /** accept_filt_getopt(). */
  private getFilter(so: Ptr, option: Ptr): number {
    const { k } = this;
    const type = k.struct('accept_filter_arg');
    const attached = k.get(AcceptFilters).attachedTo(so);
    if (!attached) return EINVAL;
    return this.give(option, type.size, (at) => {
      type.setText(at, 'af_name', attached.name);
      type.setText(at, 'af_arg', attached.arg);
    });
  }

  /** sooptcopyin(): `sopt_td` says whether the value is in user memory. */
  private copyin(option: Ptr, to: Ptr, most: number, least: number): number {
    const { k, sockopt } = this;
    const given = sockopt.get(option, 'sopt_valsize');
    if (given < least) return EINVAL;
    const bytes = Math.min(given, most);
    sockopt.set(option, 'sopt_valsize', bytes);
    const from = sockopt.get(option, 'sopt_val');
    if (sockopt.get(option, 'sopt_td') !== 0) return k.get(Uio).copyin(from, to, bytes) === 0 ? 0 : EFAULT;
    k.space.writable(to, bytes).set(k.space.readable(from, bytes));
    return 0;
  }

  /** sooptcopyout(). */
  copyout(option: Ptr, from: Ptr, length: number): number {
    const { k, sockopt } = this;
    const bytes = Math.min(length, sockopt.get(option, 'sopt_valsize'));
    sockopt.set(option, 'sopt_valsize', bytes);
    const to = sockopt.get(option, 'sopt_val');
    if (to === 0) return 0;
    if (sockopt.get(option, 'sopt_td') !== 0) return k.get(Uio).copyout(from, to, bytes) === 0 ? 0 : EFAULT;
    k.space.writable(to, bytes).set(k.space.readable(from, bytes));
    return 0;
  }
}
