import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK } from '../../../files/mode.js';
import { EEXIST, EISDIR, ENOENT } from '../../../freebsd/errno.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DirectoryNode, MemoryDirectory } from '../../../kernel/files/index.js';
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
  *run({ args, io, path, message, machine }) {
    const { flags, operands } = parseFlags(args, ['p']);
    if (operands.length === 0) throw new AppletUsageError('which directory?');
    const { files } = machine.kernel;
    let status = 0;
    for (const directory of operands) {
      const parts = path(directory).split('/').filter(Boolean);
      const from = flags.has('p') ? 1 : parts.length;
      for (let count = from; count <= parts.length; count++) {
        const found = yield* files.resolve(`/${parts.slice(0, count).join('/')}`);
        const there = typeof found !== 'number' && found.node !== undefined;
        if (there && flags.has('p') && found.node instanceof DirectoryNode) continue;
        const errno =
          typeof found === 'number' ? found : there ? EEXIST : files.insert(found, new MemoryDirectory());
        if (errno === 0) continue;
        io.err(`mkdir: ${directory}: ${message(-errno)}\n`);
        status = 1;
        break;
      }
    }
    return status;
  },
};

/** rm(1), of files. */
export const rmApplet: Applet = {
  name: 'rm',
  usage: 'rm [-f] FILE...',
  summary: 'Removes files.',
  *run({ args, io, path, message, machine }) {
    const { flags, operands } = parseFlags(args, ['f']);
    if (operands.length === 0 && !flags.has('f')) throw new AppletUsageError('which file?');
    const { files } = machine.kernel;
    let status = 0;
    for (const file of operands) {
      const found = yield* files.resolve(path(file), { follow: false });
      let errno = typeof found === 'number' ? found : found.node ? 0 : ENOENT;
      if (typeof found !== 'number' && found.node instanceof DirectoryNode) errno = EISDIR;
      else if (typeof found !== 'number' && errno === 0)
        errno = files.numberOf(found.parent.remove(found.name));
      if (errno === 0 || (errno === ENOENT && flags.has('f'))) continue;
      io.err(`rm: ${file}: ${errno === EISDIR ? 'is a directory' : message(-errno)}\n`);
      status = 1;
    }
    return status;
  },
};
