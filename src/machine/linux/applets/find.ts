import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { globMatches } from '../../../kmod/index.js';
import { type Applet, type AppletContext, AppletUsageError, message } from './applet.js';

const TYPES: Readonly<Record<string, number>> = {
  f: S_IFREG,
  d: S_IFDIR,
  l: S_IFLNK,
  c: S_IFCHR,
  b: S_IFBLK,
  p: S_IFIFO,
  s: S_IFSOCK,
};

interface Search {
  readonly least: number;
  readonly most: number;
  readonly tests: readonly ((path: string, mode: number) => boolean)[];
  readonly end: string;
}

/** Deeper than this a tree is a circle. */
const DEEPEST_TREE = 200;

export const findApplet: Applet = {
  name: 'find',
  usage:
    'find [PATH]... [-name PATTERN] [-path PATTERN] [-type fdlcbps] [-maxdepth N] [-mindepth N] [-print0]',
  summary: 'Lists files of a tree.',
  *run(context) {
    const { args } = context;
    const first = args.findIndex((arg) => arg.startsWith('-') || arg === '!');
    const paths = first < 0 ? args : args.slice(0, first);
    const search = searchOf(first < 0 ? [] : args.slice(first));
    let status = 0;
    for (const path of paths.length > 0 ? paths : ['.'])
      status = (yield* walk(context, path, search, 0)) || status;
    return status;
  },
};

function searchOf(args: readonly string[]): Search {
  const tests: ((path: string, mode: number) => boolean)[] = [];
  const depths = { '-maxdepth': DEEPEST_TREE, '-mindepth': 0 };
  let end = '\n';
  let negated = false;
  const test = (one: (path: string, mode: number) => boolean): void => {
    const not = negated;
    negated = false;
    tests.push((path, mode) => one(path, mode) !== not);
  };
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (word === '!' || word === '-not') negated = !negated;
    else if (word === '-print0') end = '\0';
    else if (word !== '-print' && word !== '-a') {
      const value = args[++at];
      if (value === undefined) throw new AppletUsageError(`${word}: no argument, or unknown`);
      if (word === '-name') test((path) => globMatches(value, path.split('/').filter(Boolean).at(-1) ?? '/'));
      else if (word === '-path') test((path) => globMatches(value, path));
      else if (word === '-type' && TYPES[value] !== undefined)
        test((_, mode) => (mode & S_IFMT) === TYPES[value]);
      else if ((word === '-maxdepth' || word === '-mindepth') && /^\d+$/.test(value))
        depths[word] = Number(value);
      else throw new AppletUsageError(`unknown: ${word} ${value}`);
    }
  }
  return { least: depths['-mindepth'], most: Math.min(DEEPEST_TREE, depths['-maxdepth']), tests, end };
}

function* walk(context: AppletContext, path: string, search: Search, depth: number): Sleepable<number> {
  const { vfs, io } = context;
  const status = yield* vfs.stat(context.path(path), false);
  if (typeof status === 'number') {
    io.err(`find: ${path}: ${message(status)}\n`);
    return 1;
  }
  if (depth >= search.least && search.tests.every((test) => test(path, status.mode)))
    io.out(path + search.end);
  if (!(yield* io.pass()) || (status.mode & S_IFMT) !== S_IFDIR || depth >= search.most) return 0;
  const names = yield* vfs.readdir(context.path(path));
  if (typeof names === 'number') {
    io.err(`find: ${path}: ${message(names)}\n`);
    return 1;
  }
  let result = 0;
  for (const name of [...names].sort())
    result = (yield* walk(context, `${path === '/' ? '' : path}/${name}`, search, depth + 1)) || result;
  return result;
}
