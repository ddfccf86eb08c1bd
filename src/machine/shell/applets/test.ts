import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { type Applet, type AppletContext, AppletUsageError } from '../applet.js';

const FILE_TYPES: Readonly<Record<string, number>> = {
  '-f': S_IFREG,
  '-d': S_IFDIR,
  '-c': S_IFCHR,
  '-b': S_IFBLK,
  '-p': S_IFIFO,
};

const COMPARISONS: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '-eq': (a, b) => Number(a) === Number(b),
  '-ne': (a, b) => Number(a) !== Number(b),
  '-lt': (a, b) => Number(a) < Number(b),
  '-le': (a, b) => Number(a) <= Number(b),
  '-gt': (a, b) => Number(a) > Number(b),
  '-ge': (a, b) => Number(a) >= Number(b),
};

/** An expression of test(1): up to three words, with `!` before. */
function* evaluate(context: AppletContext, words: readonly string[]): Sleepable<boolean> {
  if (words[0] === '!' && words.length > 1) return !(yield* evaluate(context, words.slice(1)));
  const [a, b, c] = words;
  switch (words.length) {
    case 0:
      return false;
    case 1:
      return a !== '';
    case 2:
      return yield* unary(context, a, b);
    case 3:
      if (COMPARISONS[b]) return COMPARISONS[b](a, c);
      throw new AppletUsageError(`unknown operand ${b}`);
    default:
      throw new AppletUsageError('too many arguments');
  }
}

function* unary(context: AppletContext, operator: string, operand: string): Sleepable<boolean> {
  if (operator === '-n') return operand !== '';
  if (operator === '-z') return operand === '';
  const isLink = operator === '-L' || operator === '-h';
  const status = yield* context.vfs.stat(context.path(operand), !isLink);
  if (typeof status === 'number') return false;
  const type = status.mode & S_IFMT;
  if (isLink) return type === S_IFLNK;
  if (operator === '-s') return status.size > 0;
  if (['-e', '-r', '-w', '-x'].includes(operator)) return true;
  if (FILE_TYPES[operator] === undefined) throw new AppletUsageError(`unknown operand ${operator}`);
  return type === FILE_TYPES[operator];
}

export const testApplet: Applet = {
  name: 'test',
  usage: 'test EXPRESSION',
  summary: 'Tests files, texts and numbers.',
  *run(context) {
    return (yield* evaluate(context, context.args)) ? 0 : 1;
  },
};

export const bracketApplet: Applet = {
  name: '[',
  usage: '[ EXPRESSION ]',
  summary: 'Tests files, texts and numbers.',
  *run(context) {
    if (context.args.at(-1) !== ']') throw new AppletUsageError('missing ]');
    return (yield* evaluate(context, context.args.slice(0, -1))) ? 0 : 1;
  },
};
