import type { Sleepable } from '../../kernel/effects.js';
import { readAll } from '../shell/io.js';
import { joinBytes, linesOf } from '../userland/terminal.js';
import { type Applet, type AppletContext, AppletUsageError, inputs, message, parseFlags } from './applet.js';

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const catApplet: Applet = {
  name: 'cat',
  usage: 'cat [FILE]...',
  summary: 'Prints files.',
  *run(context) {
    const { vfs, io } = context;
    const { operands } = parseFlags(context.args, ['u']);
    let status = 0;
    for (const file of operands.length > 0 ? operands : ['-']) {
      if (file === '-') {
        const bytes = yield* io.read();
        if (typeof bytes !== 'number') io.out(bytes);
        continue;
      }
      const fd = yield* vfs.open(context.path(file), 0);
      if (fd < 0) {
        io.err(`cat: can't open '${file}': ${message(fd)}\n`);
        status = 1;
        continue;
      }
      for (;;) {
        const bytes = yield* vfs.read(fd, 4096);
        if (typeof bytes === 'number') {
          io.err(`cat: read error: ${message(bytes)}\n`);
          status = 1;
          break;
        }
        if (bytes.length === 0) break;
        io.out(bytes);
      }
      yield* vfs.close(fd);
    }
    return status;
  },
};

export const echoApplet: Applet = {
  name: 'echo',
  usage: 'echo [-n] [-e] [TEXT]...',
  summary: 'Prints its arguments.',
  // biome-ignore lint/correctness/useYield: an applet that never waits
  *run({ args, io }) {
    let at = 0;
    let newline = '\n';
    let escapes = false;
    for (; /^-[neE]+$/.test(args[at] ?? ''); at++) {
      if (args[at].includes('n')) newline = '';
      if (args[at].includes('e')) escapes = true;
    }
    const text = args.slice(at).join(' ') + newline;
    io.out(escapes ? withEscapes(text) : text);
    return 0;
  },
};

function withEscapes(text: string): Uint8Array {
  const simple: Record<string, number> = { n: 10, t: 9, r: 13, a: 7, b: 8, f: 12, v: 11, '\\': 92, e: 27 };
  const pieces: Uint8Array[] = [];
  const encoder = new TextEncoder();
  const pattern = /\\(?:x([0-9a-fA-F]{1,2})|0([0-7]{0,3})|(.))/g;
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    pieces.push(encoder.encode(text.slice(last, match.index)));
    last = match.index + match[0].length;
    const code = match[1]
      ? Number.parseInt(match[1], 16)
      : match[2] !== undefined
        ? Number.parseInt(match[2] || '0', 8)
        : simple[match[3]];
    pieces.push(code === undefined ? encoder.encode(match[0]) : Uint8Array.of(code));
  }
  pieces.push(encoder.encode(text.slice(last)));
  return joinBytes(pieces);
}

export const grepApplet: Applet = {
  name: 'grep',
  usage: 'grep [-civqnxoFEHh] PATTERN [FILE]...',
  summary: 'Prints the lines that match.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, [...'civqnxoFEHhwls']);
    const [pattern, ...files] = operands;
    if (pattern === undefined) throw new AppletUsageError('no pattern');
    const matches = lineMatcher(pattern, flags);
    const { io } = context;
    let found = false;
    for (const { file, bytes } of yield* inputs(context, 'grep', files)) {
      if (!bytes) continue;
      const prefix = (files.length > 1 || flags.has('H')) && !flags.has('h') ? `${file}:` : '';
      const hits = linesOf(decode(bytes))
        .map((line, i) => ({ line, number: i + 1 }))
        .filter(({ line }) => matches(line) !== flags.has('v'));
      if (hits.length > 0) found = true;
      if (flags.has('q')) continue;
      if (flags.has('c')) io.out(`${prefix}${hits.length}\n`);
      else if (flags.has('l')) io.out(hits.length > 0 ? `${file}\n` : '');
      else
        for (const { line, number } of hits)
          io.out(`${prefix}${flags.has('n') ? `${number}:` : ''}${line}\n`);
    }
    return found ? 0 : 1;
  },
};

function lineMatcher(pattern: string, flags: ReadonlySet<string>): (line: string) => boolean {
  let source = flags.has('F') ? pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') : pattern;
  if (!flags.has('E') && !flags.has('F')) source = basicToJs(pattern);
  if (flags.has('w')) source = `\\b(?:${source})\\b`;
  if (flags.has('x')) source = `^(?:${source})$`;
  let regexp: RegExp;
  try {
    regexp = new RegExp(source, flags.has('i') ? 'i' : '');
  } catch {
    throw new AppletUsageError(`bad pattern '${pattern}'`);
  }
  return (line) => regexp.test(line);
}

/** A POSIX basic regular expression in JavaScript's words: what is special there needs a backslash here. */
function basicToJs(pattern: string): string {
  return pattern.replace(/\\([+?|(){}])|([+?|(){}])/g, (_all, escaped?: string, plain?: string) =>
    escaped !== undefined ? escaped : `\\${plain}`,
  );
}

/** head and tail: their options and their parts of the input. */
function* part(
  context: AppletContext,
  name: string,
  choose: (
    pieces: { readonly lines: string[]; readonly bytes: Uint8Array },
    count: number,
    byBytes: boolean,
  ) => string | Uint8Array,
): Sleepable<number> {
  const args = context.args.map((arg) => (/^-\d+$/.test(arg) ? `-n${arg.slice(1)}` : arg));
  const { values, operands } = parseFlags(args, ['n=', 'c=']);
  const byBytes = values.has('c');
  const count = Math.abs(Number(values.get('c') ?? values.get('n') ?? 10));
  if (!Number.isInteger(count))
    throw new AppletUsageError(`invalid number '${values.get('c') ?? values.get('n')}'`);
  let status = 0;
  for (const { bytes } of yield* limited(
    context,
    name,
    operands,
    byBytes && name === 'head' ? count : undefined,
  )) {
    if (!bytes) status = 1;
    else context.io.out(choose({ lines: decode(bytes).split(/(?<=\n)/), bytes }, count, byBytes));
  }
  return status;
}

/** Input that is not read further than needed: devices may have no end. */
function* limited(
  context: AppletContext,
  name: string,
  files: readonly string[],
  limit: number | undefined,
): Sleepable<{ readonly bytes: Uint8Array | undefined }[]> {
  if (limit === undefined || files.length !== 1) return yield* inputs(context, name, files);
  const { vfs, io } = context;
  const fd = yield* vfs.open(context.path(files[0]), 0);
  const bytes = fd < 0 ? fd : yield* readAll(vfs, fd, limit);
  if (fd >= 0) yield* vfs.close(fd);
  if (typeof bytes !== 'number') return [{ bytes }];
  io.err(`${name}: ${files[0]}: ${message(bytes)}\n`);
  return [{ bytes: undefined }];
}

export const headApplet: Applet = {
  name: 'head',
  usage: 'head [-n LINES|-c BYTES] [FILE]...',
  summary: 'Prints the beginning of files.',
  run: (context) =>
    part(context, 'head', ({ lines, bytes }, count, byBytes) =>
      byBytes ? bytes.subarray(0, count) : lines.slice(0, count).join(''),
    ),
};

export const tailApplet: Applet = {
  name: 'tail',
  usage: 'tail [-n LINES|-c BYTES] [FILE]...',
  summary: 'Prints the end of files.',
  run: (context) =>
    part(context, 'tail', ({ lines, bytes }, count, byBytes) =>
      byBytes ? bytes.subarray(Math.max(0, bytes.length - count)) : lines.slice(-count).join(''),
    ),
};

export const wcApplet: Applet = {
  name: 'wc',
  usage: 'wc [-lwc] [FILE]...',
  summary: 'Counts lines, words and bytes.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['l', 'w', 'c']);
    const which = ['l', 'w', 'c'].filter((flag) => flags.size === 0 || flags.has(flag));
    let status = 0;
    for (const { file, bytes } of yield* inputs(context, 'wc', operands)) {
      if (!bytes) {
        status = 1;
        continue;
      }
      const text = decode(bytes);
      const counts: Record<string, number> = {
        l: text.split('\n').length - 1,
        w: text.split(/\s+/).filter(Boolean).length,
        c: bytes.length,
      };
      const width = which.length > 1 ? 9 : 0;
      const numbers = which.map((flag) => String(counts[flag]).padStart(width));
      context.io.out(`${numbers.join(' ')}${file === '-' ? '' : ` ${file}`}\n`);
    }
    return status;
  },
};
