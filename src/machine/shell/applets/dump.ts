import type { Sleepable } from '../../../kernel/effects.js';
import { type Applet, type AppletContext, AppletUsageError, inputs, parseFlags } from '../applet.js';
import type { OpenHow } from '../system.js';

const LINE = 16;

export const hexdumpApplet: Applet = {
  name: 'hexdump',
  usage: 'hexdump [-C] [-v] [-n LENGTH] [-s SKIP] [FILE]...',
  summary: 'Shows bytes as numbers.',
  *run(context) {
    const { flags, values, operands } = parseFlags(context.args, ['C', 'v', 'n=', 's=']);
    const skip = Number(values.get('s') ?? 0);
    const length = Number(values.get('n') ?? Number.POSITIVE_INFINITY);
    if (!(skip >= 0) || !(length >= 0)) throw new AppletUsageError('invalid number');
    const { io, vfs } = context;
    let status = 0;
    let bytes = new Uint8Array();
    if (operands.length === 1 && Number.isFinite(length)) {
      // A device may have no end.
      const fd = yield* vfs.openAs(context.path(operands[0]), 'read');
      const read = fd < 0 ? fd : yield* readUpTo(context, fd, skip + length);
      if (fd >= 0) yield* vfs.close(fd);
      if (typeof read === 'number') {
        io.err(`hexdump: ${operands[0]}: ${context.message(read)}\n`);
        return 1;
      }
      bytes = Uint8Array.from(read);
    } else
      for (const input of yield* inputs(context, 'hexdump', operands)) {
        if (!input.bytes) status = 1;
        else bytes = Uint8Array.from([...bytes, ...input.bytes]);
      }
    const end = Math.min(bytes.length, skip + length);
    const width = flags.has('C') ? 8 : 7;
    let before: string | undefined;
    let starred = false;
    for (let at = skip; at < end; at += LINE) {
      const line = bytes.subarray(at, Math.min(at + LINE, end));
      const text = flags.has('C') ? canonical(line) : words(line);
      if (text === before && !flags.has('v') && line.length === LINE) {
        if (!starred) io.out('*\n');
        starred = true;
        continue;
      }
      starred = false;
      before = text;
      io.out(`${at.toString(16).padStart(width, '0')}${text}\n`);
    }
    if (end > skip) io.out(`${end.toString(16).padStart(width, '0')}\n`);
    return status;
  },
};

function canonical(line: Uint8Array): string {
  let hex = '';
  for (let i = 0; i < LINE; i++)
    hex += `${i % 8 === 0 ? '  ' : ' '}${i < line.length ? line[i].toString(16).padStart(2, '0') : '  '}`;
  const text = Array.from(line, (byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join(
    '',
  );
  return `${hex}  |${text}|`;
}

function words(line: Uint8Array): string {
  let text = '';
  for (let i = 0; i < line.length; i += 2)
    text += ` ${(line[i] | ((line[i + 1] ?? 0) << 8)).toString(16).padStart(4, '0')}`;
  return text;
}

function* readUpTo({ vfs }: AppletContext, fd: number, count: number): Sleepable<number[] | number> {
  const found: number[] = [];
  while (found.length < count) {
    const bytes = yield* vfs.read(fd, Math.min(65536, count - found.length));
    if (typeof bytes === 'number') return bytes;
    if (bytes.length === 0) break;
    for (const byte of bytes) found.push(byte);
  }
  return found;
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  c: 1,
  w: 2,
  b: 512,
  k: 1024,
  K: 1024,
  M: 1 << 20,
  G: 2 ** 30,
};
const MOST_BLOCK = 1 << 26;

function sizeOf(text: string): number {
  const match = /^(\d+)([cwbkKMG]?)$/.exec(text);
  if (!match) throw new AppletUsageError(`invalid number '${text}'`);
  return Number(match[1]) * UNITS[match[2]];
}

const CONVERSIONS: ReadonlySet<string> = new Set(['notrunc', 'sync']);

/** conv=sync: a short block is filled with zeroes. */
function padded(bytes: Uint8Array, block: number): Uint8Array {
  if (bytes.length === block) return bytes;
  const whole = new Uint8Array(block);
  whole.set(bytes);
  return whole;
}

export const ddApplet: Applet = {
  name: 'dd',
  usage: 'dd [if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc,sync]',
  summary: 'Copies blocks.',
  *run(context) {
    const { vfs, io } = context;
    const given = new Map<string, string>();
    for (const arg of context.args) {
      const [, name, value] = /^(if|of|bs|count|skip|seek|conv|status)=(.*)$/s.exec(arg) ?? [];
      if (name === undefined) throw new AppletUsageError(`unknown operand '${arg}'`);
      given.set(name, value);
    }
    const block = sizeOf(given.get('bs') ?? '512');
    if (block === 0 || block > MOST_BLOCK)
      throw new AppletUsageError(`bs=${given.get('bs')}: too large or none`);
    const count = given.has('count') ? sizeOf(given.get('count') as string) : Number.POSITIVE_INFINITY;
    const [skip, seek] = [sizeOf(given.get('skip') ?? '0') * block, sizeOf(given.get('seek') ?? '0') * block];
    const [from, to] = [given.get('if'), given.get('of')];
    const conversions = new Set(given.get('conv')?.split(','));
    for (const name of conversions)
      if (!CONVERSIONS.has(name)) throw new AppletUsageError(`unknown conversion '${name}'`);
    const keeps = conversions.has('notrunc') || seek > 0;
    const open = function* (file: string | undefined, how: OpenHow): Sleepable<number> {
      const fd = file === undefined ? 0 : yield* vfs.openAs(context.path(file), how);
      if (fd < 0) io.err(`dd: can't open '${file}': ${context.message(fd)}\n`);
      return fd;
    };
    const input = yield* open(from, 'read');
    if (input < 0) return 1;
    const output = yield* open(to, keeps ? 'over' : 'write');
    let failure = Math.min(output, 0);
    if (failure === 0 && skip > 0 && from !== undefined)
      failure = Math.min(0, yield* vfs.lseek(input, skip, 0));
    if (failure === 0 && seek > 0 && to !== undefined)
      failure = Math.min(0, yield* vfs.lseek(output, seek, 0));
    const blocks = { in: [0, 0], out: [0, 0] };
    for (let i = 0; i < count && failure === 0; i++) {
      const bytes = from === undefined ? yield* io.readSome(block) : yield* vfs.read(input, block);
      if (typeof bytes === 'number') failure = bytes;
      if (typeof bytes === 'number' || bytes.length === 0) break;
      blocks.in[bytes.length === block ? 0 : 1]++;
      const written = conversions.has('sync') ? padded(bytes, block) : bytes;
      if (to === undefined) {
        io.out(written);
        if (!(yield* io.pass())) break;
      } else {
        const done = yield* vfs.write(output, written);
        if (done < 0) failure = done;
        if (done < 0) break;
      }
      blocks.out[written.length === block ? 0 : 1]++;
    }
    if (from !== undefined) yield* vfs.close(input);
    if (to !== undefined && output >= 0) yield* vfs.close(output);
    if (failure < 0 && output >= 0) io.err(`dd: ${context.message(failure)}\n`);
    if (given.get('status') !== 'none')
      io.err(`${blocks.in.join('+')} records in\n${blocks.out.join('+')} records out\n`);
    return failure < 0 ? 1 : 0;
  },
};
