import type { Ptr } from '../../cpu/layout.js';
import type { VarArgs } from '../../kernel/abi/convention.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EEXIST, EINVAL, ENOSPC, EPERM } from '../errno.js';
import { IOC_IN, ioc } from '../ioccom.js';
import { Conf } from '../kern/conf.js';
import { Malloc } from '../kern/malloc.js';
import { Sbufs } from '../kern/sbuf.js';
import { SubrPrf } from '../kern/subr_prf.js';
import { Uio } from '../kern/uio.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { GeomEvents } from './events.js';
import { GeomObjects } from './objects.js';
import { GEOM_DEVICE } from './own-class.js';
import { GeomTopology } from './topology.js';

/** GCTL_VERSION, and GEOM_CTL: _IOW('G', GCTL_VERSION, struct gctl_req). */
const VERSION = 2;
const REQUEST_BYTES = 64;
export const GEOM_CTL = ioc(IOC_IN, 'G', VERSION, REQUEST_BYTES);
/** GEOM_CTL_ARG_MAX and SPECNAMELEN. */
const MOST_ARGUMENTS = 2048;
const LONGEST_NAME = 255;

/** Requests of geom(8) to classes, through /dev/geom.ctl (sys/geom/geom_ctl.c). */
export class GeomCtl implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    gctl_error: (req: Ptr, format: Ptr, args: VarArgs) =>
      this.errorText(req, req === 0 ? '' : this.k.get(SubrPrf).text(format, args)),
    gctl_msg: (req: Ptr, error: number, format: Ptr, args: VarArgs) =>
      this.message(req, error, req === 0 ? '' : this.k.get(SubrPrf).text(format, args)),
    gctl_post_messages: (req: Ptr) => this.post(req),
    gctl_set_param: (req: Ptr, name: Ptr, value: Ptr, length: number) =>
      this.set(req, this.k.space.cstring(name), value, length),
    gctl_set_param_err: (req: Ptr, name: Ptr, value: Ptr, length: number) =>
      this.setOrTell(req, this.k.space.cstring(name), value, length),
    gctl_get_param: (req: Ptr, name: Ptr, place: Ptr) => this.get(req, this.k.space.cstring(name), place),
    gctl_get_asciiparam: (req: Ptr, name: Ptr) => this.ascii(req, this.k.space.cstring(name)),
    gctl_get_paraml: (req: Ptr, name: Ptr, length: number) =>
      this.sized(req, this.k.space.cstring(name), length, true),
    gctl_get_paraml_opt: (req: Ptr, name: Ptr, length: number) =>
      this.sized(req, this.k.space.cstring(name), length, false),
    gctl_get_class: (req: Ptr, name: Ptr) => this.class(req, this.k.space.cstring(name)),
    gctl_get_geom: (req: Ptr, type: Ptr, name: Ptr) => this.geom(req, type, this.k.space.cstring(name)),
    gctl_get_provider: (req: Ptr, name: Ptr) => this.provider(req, this.k.space.cstring(name)),
  };

  boot(): void {
    const { k } = this;
    const table = k.struct('cdevsw');
    const devsw = k.permanent(table.size);
    table.set(devsw, 'd_version', k.macro('D_VERSION'));
    table.set(devsw, 'd_name', k.constantString('g_ctl'));
    table.bind(devsw, 'd_ioctl', 'g_ctl_ioctl', (_device: Ptr, command: bigint, data: Ptr) =>
      Number(command) === GEOM_CTL ? this.ioctl(data) : k.macro('ENOIOCTL'),
    );
    k.get(Conf).make({ devsw, ...GEOM_DEVICE }, 'geom.ctl');
  }

  private get req() {
    return this.k.struct('gctl_req');
  }

  private get arg() {
    return this.k.struct('gctl_req_arg');
  }

  private isDone(req: Ptr): boolean {
    return this.k.get(Sbufs).exports.sbuf_done(this.req.get(req, 'serror')) !== 0;
  }

  /** The first error is the one that is told. */
  private *errorText(req: Ptr, text: string): Sleepable<number> {
    if (req === 0) return EINVAL;
    yield* this.message(req, EINVAL, text, '');
    if (!this.isDone(req)) yield* this.post(req);
    return this.req.get(req, 'nerror');
  }

  /** gctl_msg(): a line of what will be told together. */
  private *message(req: Ptr, error: number, text: string, end = '\n'): Sleepable<void> {
    if (req === 0) return;
    const type = this.req;
    if (this.isDone(req)) {
      if (type.get(req, 'nerror') === 0) type.set(req, 'nerror', EEXIST);
      return;
    }
    if (type.get(req, 'nerror') === 0) type.set(req, 'nerror', error);
    yield* this.k.get(Sbufs).append(type.get(req, 'serror'), `${text}${end}`);
  }

  private *post(req: Ptr): Sleepable<void> {
    const { k } = this;
    if (req === 0) return;
    const sbuf = this.req.get(req, 'serror');
    const type = this.req;
    if (this.isDone(req)) {
      if (type.get(req, 'nerror') === 0) type.set(req, 'nerror', EEXIST);
      return;
    }
    yield* k.wait(k.get(Sbufs).exports.sbuf_finish(sbuf));
    if (k.get(GeomTopology).debugs('G_F_CTLDUMP'))
      k.get(SubrPrf).line(`gctl 0x${k.space.toAddress(req).toString(16)} error "${k.get(Sbufs).text(sbuf)}"`);
  }

  private *arguments(req: Ptr): Generator<Ptr> {
    const list = this.req.get(req, 'arg');
    for (let i = 0; i < this.req.get(req, 'narg'); i++) yield list + i * this.arg.size;
  }

  private hasFlag(arg: Ptr, flag: string): boolean {
    return (this.arg.get(arg, 'flag') & this.k.macro(flag)) !== 0;
  }

  private find(req: Ptr, name: string, flag?: string): Ptr | undefined {
    for (const arg of this.arguments(req))
      if (this.arg.string(arg, 'name') === name && (flag === undefined || this.hasFlag(arg, flag)))
        return arg;
    return undefined;
  }

  private set(req: Ptr, name: string, value: Ptr, length: number): number {
    const { k } = this;
    const arg = this.find(req, name);
    if (arg === undefined) return EINVAL;
    if (!this.hasFlag(arg, 'GCTL_PARAM_WR')) return EPERM;
    this.arg.set(arg, 'flag', this.arg.get(arg, 'flag') | k.macro('GCTL_PARAM_CHANGED'));
    const room = this.arg.get(arg, 'len');
    const bytes = Math.min(room, length);
    k.space.writable(this.arg.get(arg, 'kvalue'), bytes).set(k.space.readable(value, bytes));
    return room < length ? ENOSPC : 0;
  }

  private *setOrTell(req: Ptr, name: string, value: Ptr, length: number): Sleepable<void> {
    const error = this.set(req, name, value, length);
    if (error === EPERM) yield* this.errorText(req, `No write access ${name} argument`);
    if (error === ENOSPC) yield* this.errorText(req, `Wrong length ${name} argument`);
    if (error === EINVAL) yield* this.errorText(req, `Missing ${name} argument`);
  }

  private get(req: Ptr, name: string, place: Ptr): Ptr {
    const arg = this.find(req, name, 'GCTL_PARAM_RD');
    if (arg === undefined) return 0;
    if (place !== 0) this.k.space.store32(place, this.arg.get(arg, 'len'));
    return this.arg.get(arg, 'kvalue');
  }

  private *ascii(req: Ptr, name: string): Sleepable<Ptr> {
    const arg = this.find(req, name, 'GCTL_PARAM_RD');
    if (arg === undefined) return 0;
    const [value, length] = [this.arg.get(arg, 'kvalue'), this.arg.get(arg, 'len')];
    if (length < 1) {
      yield* this.errorText(req, `No length argument (${name})`);
      return 0;
    }
    if (this.k.space.load8(value + length - 1) === 0) return value;
    yield* this.errorText(req, `Unterminated argument (${name})`);
    return 0;
  }

  private *sized(req: Ptr, name: string, length: number, isDemanded: boolean): Sleepable<Ptr> {
    const arg = this.find(req, name, 'GCTL_PARAM_RD');
    if (arg === undefined) {
      if (isDemanded) yield* this.errorText(req, `Missing ${name} argument`);
      return 0;
    }
    if (this.arg.get(arg, 'len') === length) return this.arg.get(arg, 'kvalue');
    yield* this.errorText(req, `Wrong length ${name} argument`);
    return 0;
  }

  private *class(req: Ptr, argument: string): Sleepable<Ptr> {
    const { k } = this;
    const text = yield* this.ascii(req, argument);
    if (text === 0) {
      yield* this.errorText(req, `Missing ${argument} argument`);
      return 0;
    }
    const name = k.space.cstring(text);
    for (const type of k.get(GeomObjects).classes())
      if (k.struct('g_class').string(type, 'name') === name) return type;
    yield* this.errorText(req, `Class not found: "${name}"`);
    return 0;
  }

  private *geom(req: Ptr, type: Ptr, argument: string): Sleepable<Ptr> {
    const { k } = this;
    const objects = k.get(GeomObjects);
    const text = yield* this.ascii(req, argument);
    if (text === 0) {
      yield* this.errorText(req, `Missing ${argument} argument`);
      return 0;
    }
    const name = k.space.cstring(text);
    for (const geom of objects.links.geoms(type)) if (objects.nameOf(geom) === name) return geom;
    yield* this.errorText(req, `Geom not found: "${name}"`);
    return 0;
  }

  private *provider(req: Ptr, argument: string): Sleepable<Ptr> {
    const { k } = this;
    const text = yield* this.ascii(req, argument);
    if (text === 0) {
      yield* this.errorText(req, `Missing '${argument}' argument`);
      return 0;
    }
    const name = k.space.cstring(text);
    const found = k.get(GeomObjects).providerNamed(name);
    if (found !== undefined) return found;
    yield* this.errorText(req, `Provider not found: "${name}"`);
    return 0;
  }

  /** GEOM_CTL: `req` is the kernel's copy of the program's structure. */
  private *ioctl(req: Ptr): Sleepable<number> {
    const { k } = this;
    const type = this.req;
    const sbufs = k.get(Sbufs);
    type.set(req, 'nerror', 0);
    if (type.get(req, 'lerror') < 2) return EINVAL;
    const sbuf = sbufs.exports.sbuf_new(0, 0, 0, k.macro('SBUF_AUTOEXTEND'));
    type.set(req, 'serror', sbuf);
    const own = yield* this.copyIn(req);
    if (type.get(req, 'nerror') === 0) {
      yield* k.get(GeomEvents).waitFor((cancelled) => this.perform(req, cancelled));
      this.copyOut(req);
    }
    if (this.isDone(req)) {
      const bytes = Math.min(type.get(req, 'lerror'), sbufs.text(sbuf).length + 1);
      k.get(Uio).copyout(sbufs.exports.sbuf_data(sbuf), type.get(req, 'error'), bytes);
    }
    const error = type.get(req, 'nerror');
    for (const at of own) k.get(Malloc).free(at, k.variable('M_GEOM'));
    sbufs.exports.sbuf_delete(sbuf);
    return error;
  }

  /** g_ctl_req(), with the topology locked. */
  private *perform(req: Ptr, cancelled: boolean): Sleepable<void> {
    if (cancelled) return;
    const type = this.k.struct('g_class');
    const to = yield* this.class(req, 'class');
    if (to === 0) return;
    if (type.get(to, 'ctlreq') === 0) {
      yield* this.errorText(req, 'Class takes no requests');
      return;
    }
    const verb = this.get(req, 'verb', 0);
    if (verb === 0) yield* this.errorText(req, 'Verb missing');
    else yield* type.call(to, 'ctlreq', req, to, verb);
    this.k.get(GeomTopology).assert('g_ctl_req');
  }

  /** Memory of type GEOM with what a program has; 0, and the error noted, where it has not. */
  private fetch(req: Ptr, from: Ptr, bytes: number): Ptr {
    const { k } = this;
    const at = k.get(Malloc).malloc(bytes, k.variable('M_GEOM'), k.macro('M_WAITOK'));
    const error = k.get(Uio).copyin(from, at, bytes);
    this.req.set(req, 'nerror', error);
    if (error === 0) return at;
    k.get(Malloc).free(at, k.variable('M_GEOM'));
    return 0;
  }

  /** gctl_copyin(): what was allocated for it. */
  private *copyIn(req: Ptr): Sleepable<readonly Ptr[]> {
    const { req: type, arg } = this;
    const own: Ptr[] = [];
    const count = type.get(req, 'narg');
    if (type.get(req, 'version') !== VERSION) {
      yield* this.errorText(req, 'kernel and libgeom version mismatch.');
      return own;
    }
    if (count > MOST_ARGUMENTS) {
      yield* this.errorText(req, 'too many arguments');
      return own;
    }
    const list = this.fetch(req, type.get(req, 'arg'), Math.max(count * arg.size, 1));
    if (list === 0) {
      yield* this.errorText(req, 'bad control request');
      type.set(req, 'narg', 0);
      return own;
    }
    own.push(list);
    type.set(req, 'arg', list);
    for (const at of this.arguments(req)) if (!(yield* this.copyArgument(req, at, own))) break;
    return own;
  }

  private *copyArgument(req: Ptr, at: Ptr, own: Ptr[]): Sleepable<boolean> {
    const { k, arg } = this;
    const kernelOnly = ['GCTL_PARAM_NAMEKERNEL', 'GCTL_PARAM_VALUEKERNEL', 'GCTL_PARAM_CHANGED'];
    const kept = kernelOnly.reduce((flags, flag) => flags & ~k.macro(flag), arg.get(at, 'flag'));
    arg.set(at, 'flag', kept);
    arg.set(at, 'kvalue', 0);
    const length = arg.get(at, 'nlen');
    if (length < 1 || length > LONGEST_NAME) {
      const index = (at - this.req.get(req, 'arg')) / arg.size;
      yield* this.errorText(req, `wrong param name length ${index}: ${length}`);
      return false;
    }
    const name = this.fetch(req, arg.get(at, 'name'), length);
    if (name === 0) return false;
    own.push(name);
    if (k.space.load8(name + length - 1) !== 0) {
      yield* this.errorText(req, 'unterminated param name');
      return false;
    }
    arg.set(at, 'name', name);
    arg.set(at, 'flag', kept | k.macro('GCTL_PARAM_NAMEKERNEL'));
    return yield* this.copyValue(req, at, own);
  }

  private *copyValue(req: Ptr, at: Ptr, own: Ptr[]): Sleepable<boolean> {
    const { k, arg } = this;
    const bytes = arg.get(at, 'len');
    if (bytes <= 0) {
      yield* this.errorText(req, 'negative param length');
      return false;
    }
    const value = this.fetch(req, arg.get(at, 'value'), bytes);
    if (value === 0) return false;
    own.push(value);
    if (this.hasFlag(at, 'GCTL_PARAM_ASCII') && k.space.load8(value + bytes - 1) !== 0) {
      yield* this.errorText(req, 'unterminated param value');
      return false;
    }
    arg.set(at, 'kvalue', value);
    arg.set(at, 'flag', arg.get(at, 'flag') | k.macro('GCTL_PARAM_VALUEKERNEL'));
    return true;
  }

  private copyOut(req: Ptr): void {
    const { k, req: type, arg } = this;
    if (type.get(req, 'nerror') !== 0) return;
    for (const at of this.arguments(req)) {
      if (!this.hasFlag(at, 'GCTL_PARAM_CHANGED')) continue;
      const error = k.get(Uio).copyout(arg.get(at, 'kvalue'), arg.get(at, 'value'), arg.get(at, 'len'));
      if (error !== 0) type.set(req, 'nerror', error);
    }
  }
}
