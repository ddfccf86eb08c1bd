import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { AnyFunction } from '../../kernel/abi/gate.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { Conf } from '../kern/conf.js';
import { kvprintf } from '../kern/format.js';
import { KernelEvents } from '../kern/kqueue.js';
import { Mutexes } from '../kern/mutex.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Terminal } from './terminal.js';
import { TtyDevice } from './tty-device.js';

/**
 * Terminals (sys/kern/tty.c): devices whose drivers bring bytes, with a line discipline between. Sessions, job control and signals are not
 * there; a terminal has one device, no call-out device and none for initial and locked states.
 */
export class Ttys implements Subsystem {
  private readonly terminals = new Map<Ptr, Terminal>();
  private readonly programs: TtyDevice;
  private devsw: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {
    this.programs = new TtyDevice(k, (tty) => this.releaseIfGone(tty));
  }

  readonly exports = {
    tty_alloc: (devsw: Ptr, softc: Ptr) => this.alloc(devsw, softc, 0),
    tty_alloc_mutex: (devsw: Ptr, softc: Ptr, mtx: Ptr) => this.alloc(devsw, softc, mtx),
    tty_makedevf: (tty: Ptr, _cred: Ptr, _flags: number, format: Ptr, args: VarArgs) =>
      this.makeDevice(this.at(tty), kvprintf(this.k.space, this.k.space.cstring(format), args)),
    tty_rel_gone: (tty: Ptr) => this.gone(this.at(tty)),
    ttydisc_open: () => {},
    ttydisc_close: (tty: Ptr) => this.at(tty).discipline.flush(),
    ttydisc_modem: (tty: Ptr, open: number) => this.modem(this.at(tty), open !== 0),
    ttydisc_rint: (tty: Ptr, byte: number) => (this.at(tty).discipline.receive(byte) ? 0 : -1),
    ttydisc_rint_simple: (tty: Ptr, from: Ptr, bytes: number) => this.receiveAll(this.at(tty), from, bytes),
    ttydisc_rint_bypass: (tty: Ptr, from: Ptr, bytes: number) => this.receiveAll(this.at(tty), from, bytes),
    ttydisc_rint_done: (tty: Ptr) => this.received(this.at(tty)),
    ttydisc_rint_poll: (tty: Ptr) => this.at(tty).discipline.room,
    ttydisc_getc: (tty: Ptr, to: Ptr, count: number) => this.sendTo(this.at(tty), to, count),
    ttydisc_getc_poll: (tty: Ptr) => this.at(tty).discipline.pending,
  };

  readonly signatures = {
    tty_makedevf: 'i:ppip.',
    ttydisc_rint: 'i:pci',
    ttydisc_rint_simple: 'L:ppL',
    ttydisc_rint_bypass: 'L:ppL',
    ttydisc_getc: 'L:ppL',
    ttydisc_getc_poll: 'L:p',
    ttydisc_rint_poll: 'L:p',
  };

  private at(tty: Ptr): Terminal {
    const found = this.terminals.get(tty);
    if (found) return found;
    return this.k.panic(`0x${this.k.space.toAddress(tty).toString(16)} is no terminal`);
  }

  private alloc(devsw: Ptr, softc: Ptr, mtx: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('tty');
    const at = k.slab.allocateBytes(type.size, true, true);
    const own = type.addr(at, 't_mtxobj');
    if (mtx === 0) k.get(Mutexes).init(own, k.constantString('ttymtx'), k.macro('MTX_DEF'));
    type.set(at, 't_mtx', mtx || own);
    type.set(at, 't_devsw', devsw);
    type.set(at, 't_devswsoftc', softc);
    type.set(at, 't_flags', k.struct('ttydevsw').get(devsw, 'tsw_flags'));
    const tty = new Terminal(k, at);
    tty.resetModes();
    this.terminals.set(at, tty);
    k.origins.note(at);
    return at;
  }

  private makeDevice(tty: Terminal, name: string): number {
    const { k } = this;
    const type = k.struct('tty');
    const prefix = type.get(tty.at, 't_flags') & k.macro('TF_NOPREFIX') ? '' : 'tty';
    tty.name = name;
    tty.device = k.get(Conf).makeOwn(this.switchTable(), `${prefix}${name}`, 0o600, tty.at);
    type.set(tty.at, 't_dev', tty.device);
    return 0;
  }

  /** ttydev_cdevsw. */
  private switchTable(): Ptr {
    if (this.devsw !== 0) return this.devsw;
    const { k, programs } = this;
    const type = k.struct('cdevsw');
    const at = k.permanent(type.size);
    type.set(at, 'd_version', k.macro('D_VERSION'));
    type.set(at, 'd_name', k.constantString('ttydev'));
    type.set(at, 'd_flags', k.macro('D_TTY'));
    const of = (device: Ptr): Terminal => this.at(k.struct('cdev').get(device, 'si_drv1'));
    const table: Readonly<Record<string, AnyFunction>> = {
      d_open: (device: Ptr, flags: number) => programs.open(of(device), flags),
      d_close: (device: Ptr) => programs.close(of(device)),
      d_read: (device: Ptr, uio: Ptr, ioflag: number) => programs.read(of(device), uio, ioflag),
      d_write: (device: Ptr, uio: Ptr, ioflag: number) => programs.write(of(device), uio, ioflag),
      d_ioctl: (device: Ptr, command: bigint, data: Ptr) =>
        programs.ioctl(of(device), Number(command) >>> 0, data),
      d_poll: (device: Ptr, events: number, thread: Ptr) => programs.poll(of(device), events, thread),
    };
    for (const [member, fn] of Object.entries(table)) type.bind(at, member, `ttydev_${member.slice(2)}`, fn);
    this.devsw = at;
    return at;
  }

  private receiveAll({ discipline }: Terminal, from: Ptr, bytes: number): number {
    let done = 0;
    for (const byte of this.k.space.readable(from, bytes)) {
      if (!discipline.receive(byte)) break;
      done++;
    }
    return done;
  }

  /** Readers are woken, and what was echoed is sent. */
  private *received(tty: Terminal): Sleepable<void> {
    if (tty.discipline.readable) {
      tty.wake('t_inwait');
      this.k.get(KernelEvents).exports.selwakeup(this.k.struct('tty').addr(tty.at, 't_inpoll'));
    }
    if (tty.discipline.pending > 0) yield* tty.driver('tsw_outwakeup', 0);
  }

  private sendTo(tty: Terminal, to: Ptr, count: number): number {
    const bytes = tty.discipline.drain(count);
    if (bytes.length > 0) this.k.space.writable(to, bytes.length).set(bytes);
    tty.wake('t_outwait');
    return bytes.length;
  }

  /** The carrier came or went: without it an open terminal is dead until it is closed. */
  private modem(tty: Terminal, open: boolean): void {
    if (open) tty.wake('t_dcdwait');
    if (open || !tty.opened || tty.isLocal) return;
    tty.mark('TF_ZOMBIE', true);
    tty.discipline.flush();
    tty.wake('t_inwait');
    tty.wake('t_outwait');
  }

  /** The driver gives the terminal up, with its lock, which is released. */
  private gone(tty: Terminal): void {
    tty.mark('TF_GONE', true);
    tty.wakeAll();
    tty.unlock();
    this.releaseIfGone(tty);
  }

  /** tty_rel_free(): once nobody has it open its device goes, and then it. */
  private releaseIfGone(tty: Terminal): void {
    if (!tty.is('TF_GONE') || tty.opened || tty.is('TF_OPENCLOSE') || !this.terminals.delete(tty.at)) return;
    const { k } = this;
    const free = k.struct('ttydevsw').get(tty.devsw, 'tsw_free');
    const { at, device, softc } = tty;
    const ends = function* (): Sleepable<number> {
      if (device !== 0) yield* k.get(Conf).destroy(device);
      k.origins.forget(at);
      k.slab.free(at);
      if (free !== 0) yield* k.callAs('v:p', free, softc);
      return 0;
    };
    k.processes.spawn({ name: 'ttyfree', process: k.processes.kernel }, ends());
  }

  *holds(): Generator<Holding> {
    for (const { at, name, devsw } of this.terminals.values())
      yield { kind: 'terminal', at, uses: [devsw], by: this.k.origins.of(at), name: () => name };
  }
}
