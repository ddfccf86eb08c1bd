import { ModuleFile } from '../../../formats/module-file.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EINVAL, errnoName } from '../../../linux/errno.js';
import { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from '../../../linux/fs/flags.js';
import {
  type Applet,
  type AppletContext,
  AppletUsageError,
  message,
  parseFlags,
  readModuleFile,
} from './applet.js';

const MAX_BUFFER = 1 << 24;

export const ioctlApplet: Applet = {
  name: 'ioctl',
  usage: 'ioctl [-r|-w] FILE REQUEST [ARGUMENT | --in HEX] [--size N]',
  summary: 'Sends an ioctl: a number as it is, or a buffer, printed as it comes back.',
  *run(context) {
    const { flags, values, operands } = parseFlags(context.args, ['r', 'w', 'in=', 'size=']);
    const [file, requestText, argument] = operands;
    if (file === undefined || requestText === undefined)
      throw new AppletUsageError('give a file and a request');
    const request = number(requestText);
    const fd = yield* context.vfs.open(
      context.path(file),
      flags.has('r') ? O_RDONLY : flags.has('w') ? O_WRONLY : O_RDWR,
    );
    if (fd < 0) {
      context.io.err(`ioctl: ${file}: ${message(fd)}\n`);
      return 1;
    }
    const given = values.get('in');
    const size = Number(values.get('size') ?? (given === undefined ? 0 : given.length / 2));
    if (!Number.isInteger(size) || size < 0 || size > MAX_BUFFER) throw new AppletUsageError('bad --size');
    let result: number;
    if (given !== undefined || size > 0) {
      const buffer = new Uint8Array(size);
      buffer.set(fromHex(given ?? '').subarray(0, size));
      const done = yield* context.vfs.ioctlBytes(fd, Number(request), buffer);
      result = done.result;
      if (result >= 0) context.io.out(`${toHex(done.bytes)}\n`);
    } else
      result = yield* context.vfs.ioctl(fd, Number(request), argument === undefined ? 0n : number(argument));
    yield* context.vfs.close(fd);
    if (result < 0) {
      context.io.err(`ioctl: ${file}: ${message(result)}\n`);
      return 1;
    }
    if (result > 0 || size === 0) context.io.out(`${result}\n`);
    return 0;
  },
};

function number(text: string): bigint {
  try {
    return BigInt.asUintN(64, BigInt(text));
  } catch {
    throw new AppletUsageError(`'${text}' is no number`);
  }
}

function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new AppletUsageError(`'${text}' is not hex`);
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const POLL_EVENTS = [
  [1, 'POLLIN'],
  [4, 'POLLOUT'],
  [8, 'POLLERR'],
  [16, 'POLLHUP'],
] as const;

/** Raw system calls with their results, as tests of drivers want them. */
export const sysApplet: Applet = {
  name: 'sys',
  usage:
    'sys finit FLAGS FILE | sys ioctl|poll|read|write FILE VALUE [ARGUMENT | nonblock | at=N | to=ADDRESS | from=ADDRESS]',
  summary: 'Makes one system call on a file and prints its result.',
  *run(context) {
    const [call, file, value, ...rest] = context.args;
    if (value === undefined) throw new AppletUsageError('give a call, a file and a value');
    if (call === 'finit') return yield* finit(context, Number(file), value);
    const options = new Map(rest.map((word) => [word.split('=')[0], word.split('=')[1] ?? '']));
    const mode = call === 'read' ? O_RDONLY : call === 'write' ? O_WRONLY : O_RDWR;
    const fd = yield* context.vfs.open(context.path(file), mode | (options.has('nonblock') ? O_NONBLOCK : 0));
    if (fd < 0) return said(context, 'open', fd);
    const status = yield* systemCall(context, call, fd, value, rest, options);
    yield* context.vfs.close(fd);
    return status;
  },
};

/** MODULE_INIT_IGNORE_MODVERSIONS and MODULE_INIT_IGNORE_VERMAGIC of finit_module(2). */
const IGNORE_MODVERSIONS = 1;
const IGNORE_VERMAGIC = 2;

function* finit(context: AppletContext, flags: number, file: string): Sleepable<number> {
  const bytes = yield* readModuleFile(context, file);
  if (typeof bytes === 'number') return said(context, 'open', bytes);
  if ((flags & ~(IGNORE_MODVERSIONS | IGNORE_VERMAGIC)) !== 0) return said(context, 'finit_module', -EINVAL);
  const { errno } = yield* context.machine.system.insert(new ModuleFile(context.path(file), bytes), '', {
    forceModversion: (flags & IGNORE_MODVERSIONS) !== 0,
    forceVermagic: (flags & IGNORE_VERMAGIC) !== 0,
  });
  return said(context, 'finit_module', errno === 0 ? 0 : -errno);
}

function said({ io }: AppletContext, call: string, result: number): number {
  io.out(result < 0 ? `${call}: -1 ${errnoName(-result)}\n` : `${call}: ${result}\n`);
  return result < 0 ? 1 : 0;
}

function* systemCall(
  context: AppletContext,
  call: string,
  fd: number,
  value: string,
  rest: readonly string[],
  options: ReadonlyMap<string, string>,
): Sleepable<number> {
  const { vfs, io, machine } = context;
  if (options.has('at')) {
    const position = yield* vfs.lseek(fd, Number(options.get('at')), 0);
    if (position < 0) return said(context, 'lseek', position);
  }
  const pointer = (name: string): number => machine.memory.pointer(number(options.get(name)!));
  switch (call) {
    case 'ioctl': {
      const argument = rest[0] ?? '0';
      if (!argument.startsWith('hex:'))
        return said(context, call, yield* vfs.ioctl(fd, Number(value), number(argument)));
      const done = yield* vfs.ioctlBytes(fd, Number(value), fromHex(argument.slice(4)));
      const status = said(context, call, done.result);
      io.out(`data: ${toHex(done.bytes)}\n`);
      return status;
    }
    case 'poll': {
      const events = yield* vfs.poll(fd, 5, Number(value) * 1e6);
      const names = POLL_EVENTS.filter(([bit]) => events & bit).map(([, name]) => ` ${name}`);
      io.out(`poll: ${events === 0 ? 0 : 1}${names.join('')}\n`);
      return 0;
    }
    case 'read': {
      if (options.has('to')) return said(context, call, yield* vfs.readTo(fd, pointer('to'), Number(value)));
      const bytes = yield* vfs.read(fd, Number(value));
      if (typeof bytes === 'number') return said(context, call, bytes);
      const status = said(context, call, bytes.length);
      if (bytes.length > 0) {
        io.out('data: ');
        io.out(bytes);
        io.out('\n');
      }
      return status;
    }
    case 'write': {
      const bytes = new TextEncoder().encode(value);
      const result = options.has('from')
        ? yield* vfs.writeFrom(fd, pointer('from'), bytes.length)
        : yield* vfs.write(fd, bytes);
      return said(context, call, result);
    }
    default:
      throw new AppletUsageError(`no call ${call}`);
  }
}
