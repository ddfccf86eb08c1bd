import type { Sleepable } from '../../../kernel/effects.js';
import { type Applet, type AppletContext, AppletUsageError, inputs, parseFlags } from '../applet.js';

interface Wanted {
  readonly count: number;
  readonly byBytes: boolean;
  /** `+N`: from the Nth on (tail), `-N`: without the last N (head). */
  readonly sign: string;
  readonly files: readonly string[];
}

function wanted(args: readonly string[]): Wanted {
  const long = args.map((arg, i) =>
    /^-\d+$/.test(arg) && !/^-[nc]$/.test(args[i - 1] ?? '') ? `-n${arg.slice(1)}` : arg,
  );
  const { values, operands } = parseFlags(long, ['n=', 'c=', 'q']);
  const text = values.get('c') ?? values.get('n') ?? '10';
  const match = /^([-+]?)(\d+)([kKM]?)$/.exec(text);
  if (!match) throw new AppletUsageError(`invalid number '${text}'`);
  const unit = match[3] === '' ? 1 : match[3] === 'M' ? 1 << 20 : 1024;
  return { count: Number(match[2]) * unit, byBytes: values.has('c'), sign: match[1], files: operands };
}

/** As much as is wanted is printed, and no more is read: devices may have no end. */
export const headApplet: Applet = {
  name: 'head',
  usage: 'head [-n LINES|-c BYTES] [FILE]...',
  summary: 'Prints the beginning of files.',
  *run(context) {
    const { count, byBytes, sign, files } = wanted(context.args);
    let status = 0;
    for (const file of files.length > 0 ? files : ['-']) {
      if (files.length > 1) context.io.out(`==> ${file} <==\n`);
      const result =
        sign === '-'
          ? yield* allBut(context, file, count, byBytes)
          : yield* start(context, file, count, byBytes);
      if (result < 0) {
        context.io.err(`head: ${file}: ${context.message(result)}\n`);
        status = 1;
      }
    }
    return status;
  },
};

/** 0, or a negative error number. */
function* start(context: AppletContext, file: string, count: number, byBytes: boolean): Sleepable<number> {
  const { vfs, io } = context;
  const fd = file === '-' ? 0 : yield* vfs.openAs(context.path(file), 'read');
  if (fd < 0) return fd;
  let left = count;
  let result = 0;
  while (left > 0) {
    const most = byBytes ? Math.min(left, 65536) : 65536;
    const bytes = file === '-' ? yield* io.readSome(most) : yield* vfs.read(fd, most);
    if (typeof bytes === 'number') result = bytes;
    if (typeof bytes === 'number' || bytes.length === 0) break;
    const shown = byBytes ? bytes : linesWithin(bytes, left);
    left -= byBytes ? bytes.length : newlines(shown);
    io.out(shown);
    if (!(yield* io.pass())) break;
  }
  if (file !== '-') yield* vfs.close(fd);
  return result;
}

function* allBut(context: AppletContext, file: string, count: number, byBytes: boolean): Sleepable<number> {
  const [{ bytes }] = yield* inputs(context, 'head', [file]);
  if (!bytes) return 0;
  context.io.out(bytes.subarray(0, byBytes ? Math.max(0, bytes.length - count) : lastLines(bytes, count)));
  return 0;
}

function newlines(bytes: Uint8Array): number {
  let found = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) found++;
  return found;
}

/** The first `count` lines, or what there is of them. */
function linesWithin(bytes: Uint8Array, count: number): Uint8Array {
  let at = -1;
  for (let i = 0; i < count; i++) {
    at = bytes.indexOf(10, at + 1);
    if (at < 0) return bytes;
  }
  return bytes.subarray(0, at + 1);
}

/** Where the last `count` lines begin. */
function lastLines(bytes: Uint8Array, count: number): number {
  let at = bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
  for (let i = 0; i < count; i++) {
    if (at <= 0) return 0;
    at = bytes.lastIndexOf(10, at - 1);
    if (at < 0) return 0;
  }
  return count === 0 ? bytes.length : at + 1;
}

export const tailApplet: Applet = {
  name: 'tail',
  usage: 'tail [-n [+]LINES|-c [+]BYTES] [FILE]...',
  summary: 'Prints the end of files.',
  *run(context) {
    const { count, byBytes, sign, files } = wanted(context.args);
    let status = 0;
    for (const { file, bytes } of yield* inputs(context, 'tail', files)) {
      if (files.length > 1) context.io.out(`==> ${file} <==\n`);
      if (!bytes) status = 1;
      else if (sign === '+' && byBytes) context.io.out(bytes.subarray(Math.max(0, count - 1)));
      else if (sign === '+')
        context.io.out(bytes.subarray(linesWithin(bytes, count - 1).length * Number(count > 1)));
      else
        context.io.out(bytes.subarray(byBytes ? Math.max(0, bytes.length - count) : lastLines(bytes, count)));
    }
    return status;
  },
};

export const teeApplet: Applet = {
  name: 'tee',
  usage: 'tee [-a] [FILE]...',
  summary: 'Prints its input, and writes it to files.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['a', 'i']);
    const { io, vfs } = context;
    const how = flags.has('a') ? 'append' : 'write';
    const open: { readonly fd: number; readonly file: string }[] = [];
    let status = 0;
    const failed = (file: string, result: number): void => {
      io.err(`tee: ${file}: ${context.message(result)}\n`);
      status = 1;
    };
    for (const file of operands) {
      const fd = yield* vfs.openAs(context.path(file), how);
      if (fd < 0) failed(file, fd);
      else open.push({ fd, file });
    }
    for (;;) {
      const bytes = yield* io.readSome();
      if (typeof bytes === 'number') failed('input', bytes);
      if (typeof bytes === 'number' || bytes.length === 0) break;
      io.out(bytes);
      for (const { fd, file } of open) {
        const result = yield* vfs.write(fd, bytes);
        if (result < 0) failed(file, result);
      }
      if (!(yield* io.pass())) break;
    }
    for (const { fd } of open) yield* vfs.close(fd);
    return status;
  },
};
