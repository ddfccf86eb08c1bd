import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK } from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EEXIST, ELOOP, ENOENT } from '../../../linux/errno.js';
import type { FileStatus } from '../../../linux/fs/vfs.js';
import { type Applet, type AppletContext, AppletUsageError, message, parseFlags } from './applet.js';

export const lsApplet: Applet = {
  name: 'ls',
  usage: 'ls [-1adlR] [FILE]...',
  summary: 'Lists directories.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['1', 'a', 'd', 'l', 'A', 'R']);
    const { vfs, io } = context;
    let status = 0;
    const directories: string[] = [];
    let printed = false;
    for (const file of operands.length > 0 ? operands : ['.']) {
      const found = yield* vfs.stat(context.path(file), !flags.has('l') && !flags.has('d'));
      if (typeof found === 'number') {
        io.err(`ls: ${file}: ${message(found)}\n`);
        status = 1;
      } else if ((found.mode & S_IFMT) === S_IFDIR && !flags.has('d')) directories.push(file);
      else {
        io.out(yield* entryLine(context, context.path(file), file, found, flags.has('l')));
        printed = true;
      }
    }
    for (const directory of directories) {
      if (printed) io.out('\n');
      if (operands.length > 1 || flags.has('R')) io.out(`${directory}:\n`);
      printed = true;
      status = (yield* listDirectory(context, directory, flags)) || status;
    }
    return status;
  },
};

function* listDirectory(
  context: AppletContext,
  directory: string,
  flags: ReadonlySet<string>,
): Sleepable<number> {
  const path = context.path(directory);
  const names = yield* context.vfs.readdir(path);
  if (typeof names === 'number') {
    context.io.err(`ls: ${directory}: ${message(names)}\n`);
    return 1;
  }
  const shown = [...names].filter((name) => flags.has('a') || flags.has('A') || !name.startsWith('.')).sort();
  for (const name of shown) {
    const full = `${path === '/' ? '' : path}/${name}`;
    const found = flags.has('l') ? yield* context.vfs.stat(full, false) : -ENOENT;
    context.io.out(yield* entryLine(context, full, name, found, flags.has('l')));
  }
  let status = 0;
  if (flags.has('R'))
    for (const name of shown) {
      const found = yield* context.vfs.stat(`${path === '/' ? '' : path}/${name}`, false);
      if (typeof found === 'number' || (found.mode & S_IFMT) !== S_IFDIR) continue;
      const inner = `${directory === '/' ? '' : directory}/${name}`;
      context.io.out(`\n${inner}:\n`);
      status = (yield* listDirectory(context, inner, flags)) || status;
    }
  return status;
}

function* entryLine(
  { vfs }: AppletContext,
  path: string,
  name: string,
  status: FileStatus | number,
  long: boolean,
): Sleepable<string> {
  if (!long || typeof status === 'number') return `${name}\n`;
  const type = status.mode & S_IFMT;
  const isDevice = type === S_IFCHR || type === S_IFBLK;
  const size = isDevice
    ? `${String(status.major).padStart(3)}, ${String(status.minor).padStart(3)}`
    : String(status.size).padStart(8);
  const target = type === S_IFLNK ? yield* vfs.readlink(path) : '';
  const arrow = typeof target === 'string' && target !== '' ? ` -> ${target}` : '';
  return `${modeText(status.mode)} ${String(status.links).padStart(4)} root     root     ${size} ${name}${arrow}\n`;
}

/** `-rw-r--r--` */
export function modeText(mode: number): string {
  const types = new Map([
    [S_IFDIR, 'd'],
    [S_IFCHR, 'c'],
    [S_IFBLK, 'b'],
    [S_IFLNK, 'l'],
    [S_IFIFO, 'p'],
    [S_IFSOCK, 's'],
  ]);
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-'));
  return (types.get(mode & S_IFMT) ?? '-') + bits.join('');
}

export const mkdirApplet: Applet = {
  name: 'mkdir',
  usage: 'mkdir [-p] [-m MODE] DIRECTORY...',
  summary: 'Makes directories.',
  *run(context) {
    const { flags, values, operands } = parseFlags(context.args, ['p', 'm=']);
    const mode = Number.parseInt(values.get('m') ?? '777', 8);
    let status = 0;
    for (const given of operands) {
      const path = context.path(given);
      const parts = path.split('/').filter(Boolean);
      const steps = flags.has('p') ? parts.map((_, i) => `/${parts.slice(0, i + 1).join('/')}`) : [path];
      for (const step of steps) {
        const result = yield* context.vfs.mkdir(step, mode);
        if (result === 0 || (flags.has('p') && result === -EEXIST)) continue;
        context.io.err(`mkdir: can't create directory '${given}': ${message(result)}\n`);
        status = 1;
        break;
      }
    }
    return status;
  },
};

export const rmApplet: Applet = {
  name: 'rm',
  usage: 'rm [-rf] FILE...',
  summary: 'Removes files.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['r', 'f', 'R', 'i']);
    let status = 0;
    for (const given of operands) {
      const result = yield* remove(context, context.path(given), flags.has('r') || flags.has('R'));
      if (result === 0 || (flags.has('f') && result === -ENOENT)) continue;
      context.io.err(`rm: can't remove '${given}': ${message(result)}\n`);
      status = 1;
    }
    return status;
  },
};

function* remove(context: AppletContext, path: string, recursive: boolean): Sleepable<number> {
  const { vfs } = context;
  const status = yield* vfs.stat(path, false);
  if (typeof status === 'number') return status;
  if ((status.mode & S_IFMT) !== S_IFDIR || !recursive) return yield* vfs.unlink(path);
  const names = yield* vfs.readdir(path);
  if (typeof names === 'number') return names;
  for (const name of names) {
    const result = yield* remove(context, `${path}/${name}`, true);
    if (result !== 0) return result;
  }
  return yield* vfs.rmdir(path);
}

export const rmdirApplet: Applet = {
  name: 'rmdir',
  usage: 'rmdir DIRECTORY...',
  summary: 'Removes empty directories.',
  *run(context) {
    let status = 0;
    for (const given of context.args) {
      const result = yield* context.vfs.rmdir(context.path(given));
      if (result === 0) continue;
      context.io.err(`rmdir: '${given}': ${message(result)}\n`);
      status = 1;
    }
    return status;
  },
};

export const mknodApplet: Applet = {
  name: 'mknod',
  usage: 'mknod [-m MODE] NAME c|b|u|p [MAJOR MINOR]',
  summary: 'Makes a device node.',
  *run(context) {
    const { values, operands } = parseFlags(context.args, ['m=']);
    const [given, type, major, minor] = operands;
    const kinds = new Map([
      ['c', S_IFCHR],
      ['u', S_IFCHR],
      ['b', S_IFBLK],
      ['p', S_IFIFO],
    ]);
    const kind = kinds.get(type ?? '');
    if (kind === undefined || (type !== 'p' && (major === undefined || minor === undefined)))
      throw new AppletUsageError('give a name, a type, and MAJOR MINOR');
    const mode = Number.parseInt(values.get('m') ?? '666', 8);
    const result = yield* context.vfs.mknod(
      context.path(given),
      kind | mode,
      Number(major ?? 0),
      Number(minor ?? 0),
    );
    if (result === 0) return 0;
    context.io.err(`mknod: ${given}: ${message(result)}\n`);
    return 1;
  },
};

export const lnApplet: Applet = {
  name: 'ln',
  usage: 'ln -s TARGET NAME',
  summary: 'Makes a symbolic link.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['s', 'f']);
    const [target, name] = operands;
    if (!flags.has('s') || name === undefined) throw new AppletUsageError('only ln -s TARGET NAME');
    const result = yield* context.vfs.symlink(target, context.path(name));
    if (result === 0) return 0;
    context.io.err(`ln: ${name}: ${message(result)}\n`);
    return 1;
  },
};

export const readlinkApplet: Applet = {
  name: 'readlink',
  usage: 'readlink [-f] FILE',
  summary: 'Says where a symbolic link leads; -f: a path without any.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['f']);
    const path = context.path(operands[0] ?? '');
    const target = flags.has('f') ? yield* withoutLinks(context, path) : yield* context.vfs.readlink(path);
    if (typeof target === 'number') return 1;
    context.io.out(`${target}\n`);
    return 0;
  },
};

/** Links that are followed before a path counts as one that leads nowhere (MAXSYMLINKS). */
const MOST_LINKS = 40;

/** A path without links in it; its last name need not be there. */
function* withoutLinks({ vfs }: AppletContext, path: string): Sleepable<string | number> {
  let done = '';
  let left = path.split('/').filter((name) => name !== '');
  for (let links = 0; left.length > 0; ) {
    const [name, ...rest] = left;
    left = rest;
    if (name === '.') continue;
    if (name === '..') {
      done = done.slice(0, Math.max(0, done.lastIndexOf('/')));
      continue;
    }
    const here = `${done}/${name}`;
    const target = yield* vfs.readlink(here);
    if (typeof target === 'number') {
      if (rest.length > 0 && typeof (yield* vfs.stat(here, false)) === 'number') return -ENOENT;
      done = here;
      continue;
    }
    if (++links > MOST_LINKS) return -ELOOP;
    if (target.startsWith('/')) done = '';
    left = [...target.split('/').filter((part) => part !== ''), ...rest];
  }
  return done || '/';
}

export const statApplet: Applet = {
  name: 'stat',
  usage: 'stat FILE...',
  summary: 'Shows type, mode and size of files.',
  *run(context) {
    let status = 0;
    for (const given of context.args) {
      const found = yield* context.vfs.stat(context.path(given), false);
      if (typeof found === 'number') {
        context.io.err(`stat: can't stat '${given}': ${message(found)}\n`);
        status = 1;
      } else context.io.out(yield* entryLine(context, context.path(given), given, found, true));
    }
    return status;
  },
};
