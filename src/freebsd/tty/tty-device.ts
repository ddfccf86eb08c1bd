import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EAGAIN, EIO, ENOIOCTL, ENXIO, EWOULDBLOCK } from '../errno.js';
import { HZ } from '../kern/hz.js';
import { KernelEvents } from '../kern/kqueue.js';
import { Uio } from '../kern/uio.js';
import type { FreebsdKernel } from '../kernel.js';
import { DISCIPLINE_BYTES } from './line-discipline.js';
import type { Terminal } from './terminal.js';
import {
  FIONREAD,
  TIOCDRAIN,
  TIOCFLUSH,
  TIOCGETA,
  TIOCGWINSZ,
  TIOCM_LE,
  TIOCMBIC,
  TIOCMBIS,
  TIOCMGET,
  TIOCOUTQ,
  TIOCSETA,
  TIOCSETAF,
  TIOCSETAW,
  TIOCSWINSZ,
} from './ttycom.js';

/** What a read or a write moves at once. */
const TRANSFER_BYTES = 1024;
/** A close waits so long for output that makes no progress, in tenths of a second. */
const DRAIN_TENTHS = 10;

/** What a program does with a terminal's device (ttydev_cdevsw in sys/kern/tty.c). `left` is told when the last one has closed it. */
export class TtyDevice {
  constructor(
    private readonly k: FreebsdKernel,
    private readonly left: (tty: Terminal) => void,
  ) {}

  /** Waits for the carrier, unless nobody wants one. */
  *open(tty: Terminal, flags: number): Sleepable<number> {
    const self = this;
    return yield* tty.locked(function* (): Sleepable<number> {
      if (tty.is('TF_GONE')) return ENXIO;
      while (tty.is('TF_OPENCLOSE')) {
        const error = yield* tty.wait('t_dcdwait');
        if (error !== 0) return error;
      }
      tty.mark('TF_OPENCLOSE', true);
      const error = yield* self.connect(tty, flags);
      if (error === 0) tty.mark('TF_OPENED_IN', true);
      tty.mark('TF_OPENCLOSE', false);
      tty.wake('t_dcdwait');
      yield* self.leave(tty);
      return error;
    });
  }

  private *connect(tty: Terminal, flags: number): Sleepable<number> {
    const { k } = this;
    if (!tty.opened) {
      tty.resetModes();
      yield* tty.driver('tsw_param', 0, tty.termios);
      if (!tty.hasMode('CNO_RTSDTR'))
        yield* tty.driver('tsw_modem', 0, k.macro('SER_DTR') | k.macro('SER_RTS'), 0);
      const error = yield* tty.driver('tsw_open', 0);
      if (error !== 0) return error;
    }
    if (flags & k.macro('O_NONBLOCK') || tty.isLocal) return 0;
    const carrier = k.macro('SER_DCD');
    while (((yield* tty.driver('tsw_modem', carrier, 0, 0)) & carrier) === 0) {
      const error = yield* tty.wait('t_dcdwait');
      if (error !== 0) return error;
    }
    return 0;
  }

  *close(tty: Terminal): Sleepable<number> {
    const self = this;
    return yield* tty.locked(function* (): Sleepable<number> {
      tty.mark('TF_OPENED_IN', false);
      tty.wakeAll();
      yield* self.leave(tty);
      return 0;
    });
  }

  /** ttydev_leave(): what is done when nobody has it open any more. */
  private *leave(tty: Terminal): Sleepable<void> {
    if (tty.opened || tty.is('TF_OPENCLOSE')) return;
    tty.mark('TF_OPENCLOSE', true);
    if (!tty.is('TF_GONE')) yield* this.drain(tty, true);
    tty.mark('TF_ZOMBIE', false);
    tty.discipline.flush();
    if (!tty.is('TF_GONE')) yield* tty.driver('tsw_close', 0);
    tty.mark('TF_OPENCLOSE', false);
    tty.wake('t_dcdwait');
    this.left(tty);
  }

  /** tty_drain(): until the output has gone; a close gives up a second after the last progress. */
  private *drain(tty: Terminal, leaving: boolean): Sleepable<number> {
    let before = tty.discipline.pending;
    let tenths = DRAIN_TENTHS;
    while (tty.discipline.pending > 0 || (yield* tty.driver('tsw_busy', 0)) !== 0) {
      if (leaving && tenths-- === 0) return EWOULDBLOCK;
      yield* tty.driver('tsw_outwakeup', 0);
      const error = yield* tty.wait('t_outwait', HZ / 10);
      if (error !== 0 && error !== EWOULDBLOCK) return error;
      if (tty.discipline.pending < before) tenths = DRAIN_TENTHS;
      before = tty.discipline.pending;
    }
    return 0;
  }

  *read(tty: Terminal, uio: Ptr, ioflag: number): Sleepable<number> {
    const self = this;
    const { k } = this;
    return yield* tty.locked(function* (): Sleepable<number> {
      while (!tty.discipline.readable) {
        if (tty.dead) return 0;
        if (ioflag & k.macro('O_NONBLOCK')) return EAGAIN;
        const error = yield* tty.wait('t_inwait');
        if (error === ENXIO) return 0;
        if (error !== 0) return error;
      }
      const bytes = tty.discipline.take(Math.min(k.struct('uio').get(uio, 'uio_resid'), TRANSFER_BYTES));
      const error = yield* self.give(bytes, uio);
      yield* tty.driver('tsw_inwakeup', 0);
      return error;
    });
  }

  private *give(bytes: Uint8Array, uio: Ptr): Sleepable<number> {
    const { k } = this;
    if (bytes.length === 0) return 0;
    const at = k.slab.allocateBytes(bytes.length, false);
    k.space.bytes.set(bytes, at);
    const error = yield* k.get(Uio).move(at, bytes.length, uio);
    k.slab.free(at);
    return error;
  }

  *write(tty: Terminal, uio: Ptr, ioflag: number): Sleepable<number> {
    const self = this;
    const { k } = this;
    const type = k.struct('uio');
    return yield* tty.locked(function* (): Sleepable<number> {
      while (type.get(uio, 'uio_resid') > 0) {
        if (tty.dead) return EIO;
        const error = isFull(tty) ? yield* self.awaitRoom(tty, ioflag) : yield* self.take(tty, uio);
        if (error !== 0) return error;
      }
      return 0;
    });
  }

  private *awaitRoom(tty: Terminal, ioflag: number): Sleepable<number> {
    if (ioflag & this.k.macro('O_NONBLOCK')) return EAGAIN;
    return yield* tty.wait('t_outwait');
  }

  private *take(tty: Terminal, uio: Ptr): Sleepable<number> {
    const { k } = this;
    const count = Math.min(k.struct('uio').get(uio, 'uio_resid'), TRANSFER_BYTES);
    const at = k.slab.allocateBytes(count, false);
    const error = yield* k.get(Uio).move(at, count, uio);
    if (error === 0) tty.discipline.send(k.space.readable(at, count));
    k.slab.free(at);
    if (error === 0) yield* tty.driver('tsw_outwakeup', 0);
    return error;
  }

  *ioctl(tty: Terminal, command: number, data: Ptr): Sleepable<number> {
    const self = this;
    return yield* tty.locked(function* (): Sleepable<number> {
      if (tty.dead) return ENXIO;
      const error = yield* tty.driver('tsw_ioctl', ENOIOCTL, command, data, self.k.curthread);
      return error === ENOIOCTL ? yield* self.request(tty, command, data) : error;
    });
  }

  /** tty_generic_ioctl(): what every terminal can be asked. */
  private *request(tty: Terminal, command: number, data: Ptr): Sleepable<number> {
    const { k } = this;
    switch (command) {
      case TIOCGETA:
        this.copy(data, tty.termios, k.struct('termios').size);
        return 0;
      case TIOCSETA:
        return yield* this.setModes(tty, data);
      case TIOCSETAW:
      case TIOCSETAF: {
        const error = yield* this.drain(tty, false);
        if (error !== 0) return error;
        if (command === TIOCSETAF) tty.discipline.flushInput();
        return yield* this.setModes(tty, data);
      }
      case TIOCDRAIN:
        return yield* this.drain(tty, false);
      case TIOCFLUSH:
        this.flush(tty, k.space.load32(data));
        return 0;
      case TIOCMGET:
        k.space.store32(data, TIOCM_LE + ((yield* tty.driver('tsw_modem', k.macro('SER_DCD'), 0, 0)) << 1));
        return 0;
      case TIOCMBIS:
        yield* tty.driver('tsw_modem', 0, this.lines(k.space.load32(data)), 0);
        return 0;
      case TIOCMBIC:
        yield* tty.driver('tsw_modem', 0, 0, this.lines(k.space.load32(data)));
        return 0;
      case TIOCOUTQ:
        k.space.store32(data, tty.discipline.pending);
        return 0;
      case FIONREAD:
        k.space.store32(data, tty.discipline.canTake);
        return 0;
      case TIOCGWINSZ:
        this.copy(data, k.struct('tty').addr(tty.at, 't_winsize'), k.struct('winsize').size);
        return 0;
      case TIOCSWINSZ:
        this.copy(k.struct('tty').addr(tty.at, 't_winsize'), data, k.struct('winsize').size);
        return 0;
      default:
        return ENOIOCTL;
    }
  }

  /** TIOCM_DTR and TIOCM_RTS as drivers have them. */
  private lines(modem: number): number {
    return (modem >> 1) & (this.k.macro('SER_DTR') | this.k.macro('SER_RTS'));
  }

  private copy(to: Ptr, from: Ptr, bytes: number): void {
    this.k.space.bytes.copyWithin(to, from, from + bytes);
  }

  /** TIOCFLUSH: what was read, what is to be written, or (0) both. */
  private flush(tty: Terminal, which: number): void {
    const { k } = this;
    if (which === 0 || which & k.macro('FREAD')) tty.discipline.flushInput();
    if (which === 0 || which & k.macro('FWRITE')) tty.discipline.flushOutput();
  }

  private *setModes(tty: Terminal, data: Ptr): Sleepable<number> {
    const error = yield* tty.driver('tsw_param', 0, data);
    if (error !== 0) return error;
    this.copy(tty.termios, data, this.k.struct('termios').size);
    if (tty.isLocal) tty.wake('t_dcdwait');
    tty.wake('t_inwait');
    return 0;
  }

  poll(tty: Terminal, events: number, thread: Ptr): number {
    const { k } = this;
    if (tty.dead) return (events & (k.macro('POLLIN') | k.macro('POLLRDNORM'))) | k.macro('POLLHUP');
    const readable = events & (k.macro('POLLIN') | k.macro('POLLRDNORM'));
    const writable = events & (k.macro('POLLOUT') | k.macro('POLLWRNORM'));
    const ready = (tty.discipline.readable ? readable : 0) | (isFull(tty) ? 0 : writable);
    if (ready === 0) k.get(KernelEvents).exports.selrecord(thread, k.struct('tty').addr(tty.at, 't_inpoll'));
    return ready;
  }
}

/** A writer waits until half of the queue is free. */
function isFull(tty: Terminal): boolean {
  return tty.discipline.pending >= DISCIPLINE_BYTES / 2;
}
