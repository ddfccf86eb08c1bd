import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK } from '../../../files/mode.js';
import { ENOENT, ENOTDIR } from '../../../freebsd/errno.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { AppletUsageError, parseFlags } from '../../shell/applet.js';
import type { ShellFileStatus } from '../../shell/system.js';
import type { Applet, AppletContext } from './applet.js';

const LETTERS: Readonly<Record<number, string>> = {
  [S_IFDIR]: 'd',
  [S_IFCHR]: 'c',
  [S_IFBLK]: 'b',
  [S_IFLNK]: 'l',
  [S_IFIFO]: 'p',
  [S_IFSOCK]: 's',
};

/** ls(1), an entry a line. */
export const lsApplet: Applet = {
  name: 'ls',
  usage: 'ls [-1Aadl] [FILE]...',
  summary: 'Lists directories.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['1', 'A', 'a', 'd', 'l']);
    const { io, vfs, message, path } = context;
    const directories: string[] = [];
    let status = 0;
    for (const file of operands.length > 0 ? operands : ['.']) {
      const found = yield* vfs.stat(path(file), !flags.has('l') && !flags.has('d'));
      if (typeof found === 'number') {
        io.err(`ls: ${file}: ${message(found)}\n`);
        status = 1;
      } else if ((found.mode & S_IFMT) === S_IFDIR && !flags.has('d')) directories.push(file);
      else io.out(line(file, found, flags.has('l')));
    }
    for (const directory of directories) {
      if (operands.length > 1) io.out(`\n${directory}:\n`);
      status = (yield* list(context, directory, flags)) || status;
    }
    return status;
  },
};

function* list(
  { io, vfs, path, message }: AppletContext,
  directory: string,
  flags: ReadonlySet<string>,
): Sleepable<number> {
  const at = path(directory);
  const names = yield* vfs.readdir(at);
  if (typeof names === 'number') {
    io.err(`ls: ${directory}: ${message(names)}\n`);
    return 1;
  }
  const all = flags.has('a') || flags.has('A');
  for (const name of names.filter((one) => all || !one.startsWith('.')).sort()) {
    const found = flags.has('l') ? yield* vfs.stat(`${at === '/' ? '' : at}/${name}`, false) : undefined;
    io.out(typeof found === 'object' ? line(name, found, true) : `${name}\n`);
  }
  return 0;
}

function line(name: string, { mode, size }: ShellFileStatus, long: boolean): string {
  if (!long) return `${name}\n`;
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-')).join('');
  return `${LETTERS[mode & S_IFMT] ?? '-'}${bits} ${String(size).padStart(10)} ${name}\n`;
}

/** mkdir(1). */
export const mkdirApplet: Applet = {
  name: 'mkdir',
  usage: 'mkdir [-p] DIRECTORY...',
  summary: 'Makes directories.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['p']);
    if (operands.length === 0) throw new AppletUsageError('which directory?');
    let status = 0;
    for (const directory of operands) {
      const parts = context.path(directory).split('/').filter(Boolean);
      const from = flags.has('p') ? 1 : parts.length;
      for (let count = from; count <= parts.length; count++) {
        const result = yield* make(context, `/${parts.slice(0, count).join('/')}`, flags.has('p'));
        if (result === 0) continue;
        context.io.err(`mkdir: ${directory}: ${context.message(result)}\n`);
        status = 1;
        break;
      }
    }
    return status;
  },
};

function* make({ vfs }: AppletContext, directory: string, mayBeThere: boolean): Sleepable<number> {
  if (mayBeThere && typeof (yield* vfs.directory(directory)) === 'string') return 0;
  return yield* vfs.mkdir(directory);
}

/** What a removal is told of a file: an error number, 0, or that it is a directory. */
type Removal = number | 'is a directory';

/** rm(1). */
export const rmApplet: Applet = {
  name: 'rm',
  usage: 'rm [-dfRr] FILE...',
  summary: 'Removes files.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['d', 'f', 'r', 'R']);
    if (operands.length === 0 && !flags.has('f')) throw new AppletUsageError('which file?');
    let status = 0;
    for (const file of operands) {
      const result = yield* removal(context, context.path(file), flags);
      if (result === 0 || (result === -ENOENT && flags.has('f'))) continue;
      const why = typeof result === 'string' ? result : context.message(result);
      context.io.err(`rm: ${file}: ${why}\n`);
      status = 1;
    }
    return status;
  },
};

function* removal(context: AppletContext, path: string, flags: ReadonlySet<string>): Sleepable<Removal> {
  const { vfs } = context;
  const found = yield* vfs.stat(path, false);
  if (typeof found === 'number') return found;
  if ((found.mode & S_IFMT) !== S_IFDIR) return yield* vfs.remove(path);
  const deep = flags.has('r') || flags.has('R');
  if (!deep && !flags.has('d')) return 'is a directory';
  const names = deep ? yield* vfs.readdir(path) : [];
  if (typeof names === 'number') return names;
  for (const name of names) {
    const result = yield* removal(context, `${path}/${name}`, flags);
    if (result !== 0) return result;
  }
  return yield* vfs.remove(path);
}

/** rmdir(1). */
export const rmdirApplet: Applet = {
  name: 'rmdir',
  usage: 'rmdir DIRECTORY...',
  summary: 'Removes empty directories.',
  *run({ args, io, path, message, vfs }) {
    if (args.length === 0) throw new AppletUsageError('which directory?');
    let status = 0;
    for (const directory of args) {
      const found = yield* vfs.stat(path(directory), false);
      const isOne = typeof found !== 'number' && (found.mode & S_IFMT) === S_IFDIR;
      const result =
        typeof found === 'number' ? found : isOne ? yield* vfs.remove(path(directory)) : -ENOTDIR;
      if (result === 0) continue;
      io.err(`rmdir: ${directory}: ${message(result)}\n`);
      status = 1;
    }
    return status;
  },
};
