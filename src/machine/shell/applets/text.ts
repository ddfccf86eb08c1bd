import { joinBytes, linesOf } from '../../terminal.js';
import { type Applet, AppletUsageError, inputs, parseFlags } from '../applet.js';
import { compilePattern } from './patterns.js';

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
      const fd = file === '-' ? 0 : yield* vfs.openAs(context.path(file), 'read');
      if (fd < 0) {
        io.err(`cat: can't open '${file}': ${context.message(fd)}\n`);
        status = 1;
        continue;
      }
      for (;;) {
        const bytes = file === '-' ? yield* io.readSome() : yield* vfs.read(fd, 4096);
        if (typeof bytes === 'number') {
          io.err(`cat: read error: ${context.message(bytes)}\n`);
          status = 1;
          break;
        }
        if (bytes.length === 0) break;
        io.out(bytes);
        if (!(yield* io.pass())) break;
      }
      if (file !== '-') yield* vfs.close(fd);
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

export function withEscapes(text: string): Uint8Array {
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
  usage: 'grep [-civqnxoFEHhwls] [-A N] [-B N] [-C N] [-e PATTERN | PATTERN] [FILE]...',
  summary: 'Prints the lines that match.',
  *run(context) {
    const { flags, values, operands } = parseFlags(context.args, [
      ...'civqnxoFEHhwls',
      'e=',
      'A=',
      'B=',
      'C=',
    ]);
    const around = (letter: string): number => Number(values.get(letter) ?? values.get('C') ?? 0);
    const pattern = values.get('e') ?? operands[0];
    const files = values.has('e') ? operands : operands.slice(1);
    if (pattern === undefined) throw new AppletUsageError('no pattern');
    const kind = flags.has('F') ? 'fixed' : flags.has('E') ? 'extended' : 'basic';
    const matcher = compilePattern(pattern, {
      kind,
      ignoreCase: flags.has('i'),
      words: flags.has('w'),
      whole: flags.has('x'),
    });
    const { io } = context;
    let found = false;
    for (const { file, bytes } of yield* inputs(context, 'grep', files)) {
      if (!bytes) continue;
      const prefix = (files.length > 1 || flags.has('H')) && !flags.has('h') ? `${file}:` : '';
      const hits = linesOf(decode(bytes))
        .map((line, i) => ({ line, number: i + 1 }))
        .filter(({ line }) => matcher.test(line) !== flags.has('v'));
      if (hits.length > 0) found = true;
      if (flags.has('q')) continue;
      if (flags.has('c')) io.out(`${prefix}${hits.length}\n`);
      else if (around('A') + around('B') > 0)
        io.out(linesAround(linesOf(decode(bytes)), hits, around('B'), around('A'), prefix, flags.has('n')));
      else if (flags.has('l')) io.out(hits.length > 0 ? `${file}\n` : '');
      else
        for (const { line, number } of hits) {
          const start = `${prefix}${flags.has('n') ? `${number}:` : ''}`;
          if (!flags.has('o')) io.out(`${start}${line}\n`);
          else if (!flags.has('v'))
            for (const { text } of matcher.all(line)) if (text !== '') io.out(`${start}${text}\n`);
        }
    }
    return found ? 0 : 1;
  },
};

/** Lines that match with some before and after them; groups that do not touch have `--` between them. */
function linesAround(
  lines: readonly string[],
  hits: readonly { readonly number: number }[],
  before: number,
  after: number,
  prefix: string,
  numbered: boolean,
): string {
  const matched = new Set(hits.map(({ number }) => number));
  let text = '';
  let last = 0;
  for (const { number } of hits)
    for (
      let at = Math.max(1, number - before, last + 1);
      at <= Math.min(lines.length, number + after);
      at++
    ) {
      if (last > 0 && at > last + 1) text += '--\n';
      const mark = matched.has(at) ? ':' : '-';
      const start = prefix === '' ? '' : `${prefix.slice(0, -1)}${mark}`;
      text += `${start}${numbered ? `${at}${mark}` : ''}${lines[at - 1]}\n`;
      last = at;
    }
  return text;
}

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
