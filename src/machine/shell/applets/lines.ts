import type { Sleepable } from '../../../kernel/effects.js';
import { linesOf } from '../../terminal.js';
import { type Applet, type AppletContext, AppletUsageError, inputs, parseFlags } from '../applet.js';

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Lines of all files, and the status: 1 where one could not be read. */
function* allLines(
  context: AppletContext,
  name: string,
  files: readonly string[],
): Sleepable<{ readonly lines: string[]; readonly status: number }> {
  const lines: string[] = [];
  let status = 0;
  for (const { bytes } of yield* inputs(context, name, files)) {
    if (!bytes) status = 1;
    else for (const line of linesOf(decode(bytes))) lines.push(line);
  }
  return { lines, status };
}

export const sortApplet: Applet = {
  name: 'sort',
  usage: 'sort [-nru] [-k FIELD] [-t CHAR] [FILE]...',
  summary: 'Sorts lines.',
  *run(context) {
    const { flags, values, operands } = parseFlags(context.args, ['n', 'r', 'u', 'k=', 't=']);
    const { lines, status } = yield* allLines(context, 'sort', operands);
    const key = keyOf(values.get('k'), values.get('t'));
    const order = flags.has('r') ? -1 : 1;
    const compare = (a: string, b: string): number =>
      order * (flags.has('n') ? leadingNumber(key(a)) - leadingNumber(key(b)) : byteOrder(key(a), key(b)));
    lines.sort((a, b) => compare(a, b) || (flags.has('u') ? 0 : order * byteOrder(a, b)));
    const shown = flags.has('u')
      ? lines.filter((line, i) => i === 0 || compare(lines[i - 1], line) !== 0)
      : lines;
    context.io.out(shown.map((line) => `${line}\n`).join(''));
    return status;
  },
};

function keyOf(field: string | undefined, separator: string | undefined): (line: string) => string {
  if (field === undefined) return (line) => line;
  const match = /^([1-9]\d*)(?:,([1-9]\d*))?$/.exec(field);
  if (!match) throw new AppletUsageError(`invalid field '${field}'`);
  const [from, to] = [Number(match[1]) - 1, match[2] === undefined ? undefined : Number(match[2])];
  return (line) =>
    (separator === undefined ? line.trimStart().split(/\s+/) : line.split(separator))
      .slice(from, to)
      .join(separator ?? ' ');
}

function leadingNumber(text: string): number {
  return Number(/^\s*-?\d+(?:\.\d+)?/.exec(text)?.[0] ?? 0);
}

function byteOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export const uniqApplet: Applet = {
  name: 'uniq',
  usage: 'uniq [-cdu] [FILE]',
  summary: 'Leaves out lines that are as the one before.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['c', 'd', 'u']);
    const { lines, status } = yield* allLines(context, 'uniq', operands.slice(0, 1));
    const runs: { readonly line: string; count: number }[] = [];
    for (const line of lines) {
      const last = runs.at(-1);
      if (last?.line === line) last.count++;
      else runs.push({ line, count: 1 });
    }
    for (const { line, count } of runs) {
      if ((flags.has('d') && count === 1) || (flags.has('u') && count > 1)) continue;
      context.io.out(`${flags.has('c') ? `${String(count).padStart(7)} ` : ''}${line}\n`);
    }
    return status;
  },
};

/** `1,3-5,7-` */
function ranges(list: string): (index: number) => boolean {
  const found = list.split(',').map((text) => {
    const match = /^(\d*)(-?)(\d*)$/.exec(text);
    if (!match || (match[1] === '' && match[3] === '')) throw new AppletUsageError(`invalid list '${list}'`);
    const from = Number(match[1] || 1);
    const to = match[2] === '' ? from : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    return [from, to] as const;
  });
  return (index) => found.some(([from, to]) => index >= from && index <= to);
}

export const cutApplet: Applet = {
  name: 'cut',
  usage: 'cut -f LIST [-d CHAR] [-s] | -c LIST | -b LIST [FILE]...',
  summary: 'Prints parts of lines.',
  *run(context) {
    const { flags, values, operands } = parseFlags(context.args, ['f=', 'c=', 'b=', 'd=', 's']);
    const list = values.get('f') ?? values.get('c') ?? values.get('b');
    if (list === undefined) throw new AppletUsageError('give -f, -c or -b');
    const chosen = ranges(list);
    const { lines, status } = yield* allLines(context, 'cut', operands);
    const by = values.has('f') ? (values.get('d') ?? '\t') : '';
    for (const line of lines) {
      const whole = by !== '' && !line.includes(by);
      if (whole && flags.has('s')) continue;
      const parts = by === '' ? [...line] : line.split(by);
      context.io.out(`${whole ? line : parts.filter((_, i) => chosen(i + 1)).join(by)}\n`);
    }
    return status;
  },
};

const CLASSES: Readonly<Record<string, RegExp>> = {
  alpha: /[A-Za-z]/,
  digit: /[0-9]/,
  alnum: /[A-Za-z0-9]/,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[\t-\r ]/,
  blank: /[\t ]/,
  punct: /[!-/:-@[-`{-~]/,
  xdigit: /[0-9A-Fa-f]/,
  cntrl: /\p{Cc}/u,
};

/** Bytes that a set of tr(1) stands for. */
function setOf(text: string): number[] {
  const found: number[] = [];
  const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11 };
  const units: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const named = /^\[:(\w+):\]/.exec(text.slice(at));
    if (named) {
      const type = CLASSES[named[1]];
      if (!type) throw new AppletUsageError(`unknown class '${named[1]}'`);
      for (let code = 0; code < 128; code++) if (type.test(String.fromCharCode(code))) units.push(code);
      at += named[0].length - 1;
      continue;
    }
    const octal = /^\\([0-7]{1,3})/.exec(text.slice(at));
    if (octal) {
      units.push(Number.parseInt(octal[1], 8) & 0xff);
      at += octal[0].length - 1;
    } else if (text[at] === '\\' && at + 1 < text.length) {
      at++;
      units.push(escapes[text[at]] ?? text.charCodeAt(at) & 0xff);
    } else if (text[at] === '-' && units.length > 0 && at + 1 < text.length) {
      const from = units.pop() as number;
      const to = text.charCodeAt(++at) & 0xff;
      if (from > to) throw new AppletUsageError(`range ends before it begins in '${text}'`);
      for (let code = from; code <= to; code++) units.push(code);
    } else for (const byte of new TextEncoder().encode(text[at])) units.push(byte);
  }
  found.push(...units);
  return found;
}

export const trApplet: Applet = {
  name: 'tr',
  usage: 'tr [-cds] SET1 [SET2]',
  summary: 'Replaces, removes or squeezes characters.',
  *run({ args, io }) {
    const { flags, operands } = parseFlags(args, ['c', 'd', 's']);
    const [first, second] = operands;
    if (first === undefined || (second === undefined && !flags.has('d') && !flags.has('s')))
      throw new AppletUsageError('give two sets');
    const set = new Set(setOf(first));
    const from = flags.has('c')
      ? Array.from({ length: 256 }, (_, i) => i).filter((i) => !set.has(i))
      : setOf(first);
    const to = second === undefined ? [] : setOf(second);
    const map = new Map<number, number>();
    if (!flags.has('d') && to.length > 0)
      for (const [i, byte] of from.entries()) map.set(byte, to[Math.min(i, to.length - 1)]);
    const removed = new Set(flags.has('d') ? from : []);
    const squeezed = new Set(flags.has('s') ? (second === undefined ? from : to) : []);
    let last = -1;
    for (;;) {
      const bytes = yield* io.readSome();
      if (typeof bytes === 'number') return 1;
      if (bytes.length === 0) return 0;
      const out: number[] = [];
      for (const byte of bytes) {
        if (removed.has(byte)) continue;
        const made = map.get(byte) ?? byte;
        if (made === last && squeezed.has(made)) continue;
        last = made;
        out.push(made);
      }
      io.out(Uint8Array.from(out));
      if (!(yield* io.pass())) return 0;
    }
  },
};

export const seqApplet: Applet = {
  name: 'seq',
  usage: 'seq [-s TEXT] [-w] [FIRST [STEP]] LAST',
  summary: 'Prints numbers.',
  *run({ args, io }) {
    const own = args.map((arg) => (/^-[\d.]/.test(arg) ? `\0${arg}` : arg));
    const { flags, values, operands } = parseFlags(own, ['s=', 'w']);
    const texts = operands.map((text) => text.replace('\0', ''));
    const numbers = texts.map(Number);
    if (
      numbers.length < 1 ||
      numbers.length > 3 ||
      numbers.some((n, i) => !Number.isFinite(n) || texts[i] === '')
    )
      throw new AppletUsageError('give one to three numbers');
    const last = numbers[numbers.length - 1];
    const first = numbers.length > 1 ? numbers[0] : 1;
    const step = numbers.length > 2 ? numbers[1] : 1;
    if (step === 0) throw new AppletUsageError('a step of 0');
    const digits = Math.max(...texts.map((text) => text.split('.')[1]?.length ?? 0));
    const width = flags.has('w') ? Math.max(first.toFixed(digits).length, last.toFixed(digits).length) : 0;
    const by = values.get('s') ?? '\n';
    let count = 0;
    for (let n = first; step > 0 ? n <= last : n >= last; n = first + step * ++count) {
      io.out(`${count > 0 ? by : ''}${n.toFixed(digits).padStart(width, '0')}`);
      if (count % 4096 === 4095 && !(yield* io.pass())) return 0;
    }
    if (count > 0) io.out('\n');
    return 0;
  },
};
