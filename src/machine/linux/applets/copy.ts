import { S_IFDIR, S_IFLNK, S_IFMT } from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EISDIR, ENOENT } from '../../../linux/errno.js';
import { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from '../../../linux/fs/flags.js';
import { type Applet, type AppletContext, AppletUsageError, message, parseFlags } from './applet.js';

const NS_PER_S = 1e9;

function* isDirectory({ vfs }: AppletContext, path: string): Sleepable<boolean> {
  const status = yield* vfs.stat(path);
  return typeof status !== 'number' && (status.mode & S_IFMT) === S_IFDIR;
}

/** Sources with the paths that they go to: a directory takes them by their names. */
function* targets(
  context: AppletContext,
  operands: readonly string[],
): Sleepable<(readonly [string, string, string])[]> {
  if (operands.length < 2) throw new AppletUsageError('give a source and a target');
  const to = context.path(operands[operands.length - 1]);
  const into = yield* isDirectory(context, to);
  if (!into && operands.length > 2) throw new AppletUsageError(`'${operands.at(-1)}' is no directory`);
  return operands.slice(0, -1).map((from) => {
    const name = from.split('/').filter(Boolean).at(-1) ?? '';
    return [from, context.path(from), into ? `${to}/${name}` : to] as const;
  });
}

/** Copies a file piece by piece: 0, or a negative error number. */
function* copyFile({ vfs }: AppletContext, from: string, to: string, mode: number): Sleepable<number> {
  const input = yield* vfs.open(from, O_RDONLY);
  if (input < 0) return input;
  const output = yield* vfs.open(to, O_WRONLY | O_CREAT | O_TRUNC, mode & 0o777);
  let result = Math.min(output, 0);
  while (result === 0) {
    const bytes = yield* vfs.read(input, 65536);
    if (typeof bytes === 'number') result = bytes;
    if (typeof bytes === 'number' || bytes.length === 0) break;
    for (let at = 0; at < bytes.length && result === 0; ) {
      const done = yield* vfs.write(output, bytes.subarray(at));
      if (done <= 0) result = done;
      if (done <= 0) break;
      at += done;
    }
  }
  if (output >= 0) yield* vfs.close(output);
  yield* vfs.close(input);
  return result;
}

function* copy(context: AppletContext, from: string, to: string, recursive: boolean): Sleepable<number> {
  const { vfs } = context;
  const status = yield* vfs.stat(from, !recursive);
  if (typeof status === 'number') return status;
  const type = status.mode & S_IFMT;
  if (type === S_IFLNK) {
    const target = yield* vfs.readlink(from);
    return typeof target === 'number' ? target : yield* vfs.symlink(target, to);
  }
  if (type !== S_IFDIR) return yield* copyFile(context, from, to, status.mode);
  if (!recursive) return -EISDIR;
  if (!(yield* isDirectory(context, to))) {
    const made = yield* vfs.mkdir(to, status.mode & 0o777);
    if (made !== 0) return made;
  }
  const names = yield* vfs.readdir(from);
  if (typeof names === 'number') return names;
  for (const name of names) {
    const result = yield* copy(context, `${from}/${name}`, `${to}/${name}`, true);
    if (result !== 0) return result;
  }
  return 0;
}

export const cpApplet: Applet = {
  name: 'cp',
  usage: 'cp [-rRaf] SOURCE... TARGET',
  summary: 'Copies files.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, [...'rRafpd']);
    const recursive = ['r', 'R', 'a'].some((flag) => flags.has(flag));
    let status = 0;
    for (const [given, from, to] of yield* targets(context, operands)) {
      const inside = recursive && (to === from || to.startsWith(`${from}/`));
      const result = inside ? undefined : yield* copy(context, from, to, recursive);
      if (result === 0) continue;
      context.io.err(
        result === undefined
          ? `cp: can't copy '${given}' into itself\n`
          : `cp: can't copy '${given}': ${message(result)}\n`,
      );
      status = 1;
    }
    return status;
  },
};

export const mvApplet: Applet = {
  name: 'mv',
  usage: 'mv [-f] SOURCE... TARGET',
  summary: 'Moves files: a copy, and the source is removed.',
  *run(context) {
    const { operands } = parseFlags(context.args, ['f']);
    let status = 0;
    for (const [given, from, to] of yield* targets(context, operands)) {
      if (to === from || to.startsWith(`${from}/`)) {
        context.io.err(`mv: can't move '${given}' into itself\n`);
        status = 1;
        continue;
      }
      let result = yield* copy(context, from, to, true);
      if (result === 0) result = yield* removeAll(context, from);
      if (result === 0) continue;
      context.io.err(`mv: can't move '${given}': ${message(result)}\n`);
      status = 1;
    }
    return status;
  },
};

function* removeAll(context: AppletContext, path: string): Sleepable<number> {
  const { vfs } = context;
  const status = yield* vfs.stat(path, false);
  if (typeof status === 'number') return status;
  if ((status.mode & S_IFMT) !== S_IFDIR) return yield* vfs.unlink(path);
  const names = yield* vfs.readdir(path);
  if (typeof names === 'number') return names;
  for (const name of names) {
    const result = yield* removeAll(context, `${path}/${name}`);
    if (result !== 0) return result;
  }
  return yield* vfs.rmdir(path);
}

export const touchApplet: Applet = {
  name: 'touch',
  usage: 'touch [-c] FILE...',
  summary: 'Makes files, or gives them the time that it is.',
  *run(context) {
    const { flags, operands } = parseFlags(context.args, ['c', 'm', 'a']);
    const { vfs, io, machine } = context;
    if (operands.length === 0) throw new AppletUsageError('give a file');
    const { clock } = machine.kernel;
    let status = 0;
    for (const given of operands) {
      const path = context.path(given);
      const found = yield* vfs.tree.resolve(path);
      if (typeof found !== 'number' && found.node) {
        found.node.mtime = Math.floor((Number(clock.bootTime) + clock.now) / NS_PER_S);
        continue;
      }
      if (flags.has('c')) continue;
      const fd = yield* vfs.open(path, O_WRONLY | O_CREAT);
      if (fd >= 0) yield* vfs.close(fd);
      else {
        io.err(`touch: ${given}: ${message(fd)}\n`);
        status = 1;
      }
    }
    return status;
  },
};

/** A mode in octal, or as changes (`u+x,go-w`) of another; undefined for what is no mode. */
export function changedMode(text: string, mode: number, directory: boolean): number | undefined {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  let result = mode & 0o7777;
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause);
    if (!match) return undefined;
    const who = match[1] === '' || match[1].includes('a') ? 'ugo' : match[1];
    let bits = 0;
    for (const letter of match[3]) {
      const executes = letter === 'x' || (letter === 'X' && (directory || (mode & 0o111) !== 0));
      const one = (letter === 'r' ? 4 : 0) | (letter === 'w' ? 2 : 0) | (executes ? 1 : 0);
      for (const [group, shift] of [
        ['u', 6],
        ['g', 3],
        ['o', 0],
      ] as const)
        if (who.includes(group)) bits |= one << shift;
      if (letter === 's') bits |= (who.includes('u') ? 0o4000 : 0) | (who.includes('g') ? 0o2000 : 0);
      if (letter === 't') bits |= 0o1000;
    }
    const whole =
      (who.includes('u') ? 0o700 : 0) | (who.includes('g') ? 0o070 : 0) | (who.includes('o') ? 0o007 : 0);
    if (match[2] === '=') result = (result & ~whole) | bits;
    else result = match[2] === '+' ? result | bits : result & ~bits;
  }
  return result;
}

export const chmodApplet: Applet = {
  name: 'chmod',
  usage: 'chmod [-R] MODE FILE...',
  summary: 'Changes permissions.',
  *run(context) {
    const recursive = context.args[0] === '-R';
    const [mode, ...files] = recursive ? context.args.slice(1) : context.args;
    if (mode === undefined || files.length === 0) throw new AppletUsageError('give a mode and files');
    if (changedMode(mode, 0, false) === undefined) throw new AppletUsageError(`invalid mode '${mode}'`);
    let status = 0;
    for (const file of files) {
      const result = yield* chmod(context, context.path(file), mode, recursive);
      if (result === 0) continue;
      context.io.err(`chmod: ${file}: ${message(result)}\n`);
      status = 1;
    }
    return status;
  },
};

function* chmod(context: AppletContext, path: string, text: string, recursive: boolean): Sleepable<number> {
  const { vfs } = context;
  const status = yield* vfs.stat(path);
  if (typeof status === 'number') return status;
  const directory = (status.mode & S_IFMT) === S_IFDIR;
  const mode = changedMode(text, status.mode, directory);
  if (mode === undefined) return -ENOENT;
  const result = yield* vfs.chmod(path, mode);
  if (result !== 0 || !recursive || !directory) return result;
  const names = yield* vfs.readdir(path);
  if (typeof names === 'number') return names;
  for (const name of names) {
    const inner = yield* chmod(context, `${path}/${name}`, text, true);
    if (inner !== 0) return inner;
  }
  return 0;
}
