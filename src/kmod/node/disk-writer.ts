import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DiskRoot } from '../../files/node/disk-root.js';
import { OutputFolder } from '../../files/node/output-folder.js';
import { EEXIST, EIO, ENOENT, ENOTDIR } from '../../linux/errno.js';
import type { FileWriter, WriteProblem } from '../file-writer.js';

/** A file beside the one that it will replace. */
interface Temporary {
  readonly name: string;
  readonly temporary: string;
}

/** Files of others may be written to for as long as this; in milliseconds. */
const STALE_AFTER = 600_000;

/**
 * Writes to a directory of the host's disk that stands for "/" ('' for the disk itself). Where a root is given, nothing is
 * written outside of it, whatever links are below it.
 */
export class DiskWriter implements FileWriter {
  constructor(
    private readonly root: string,
    /** A directory below which the same holds as below a root. */
    private readonly below?: string,
  ) {}

  confined(directory: string): DiskWriter {
    const clean = directory.replace(/\/+$/, '');
    if (clean === '') return this;
    return new DiskWriter(this.root, clean);
  }

  makeDirectories(path: string): number {
    const { below } = this;
    // The directory itself is where the user says.
    const errno = below === undefined ? 0 : new DiskWriter(this.root).makeDirectories(below);
    if (errno !== 0) return errno;
    const within = this.treeOf(path);
    if (within) return makeBelow(within[0], within[1]);
    const host = path;
    try {
      mkdirSync(host, { recursive: true, mode: 0o755 });
      return statSync(host).isDirectory() ? 0 : ENOTDIR;
    } catch (error) {
      const errno = errnoOf(error);
      return errno === EEXIST ? ENOTDIR : errno;
    }
  }

  /** All are written beside the old ones (named as depmod names them) before the first takes an old one's place. */
  replaceFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): readonly WriteProblem[] {
    const within = this.treeOf(directory);
    const host = within ? within[0].locate(within[1])?.host : directory;
    if (host === undefined)
      return [...files.keys()].map((name) => ({ step: 'open', temporary: name, errno: ENOENT }));
    removeStale(host, [...files.keys()]);
    const suffix = `${process.pid}.${microseconds()}.${Math.floor(Date.now() / 1000)}`;
    const written: Temporary[] = [];
    const problems: WriteProblem[] = [];
    for (const [name, content] of files) {
      const temporary = `${name}.${suffix}`;
      const problem = writeNew(join(host, temporary), name, temporary, content);
      if (!problem) written.push({ name, temporary });
      else problems.push(problem);
      if (problem?.step === 'write') {
        discard(host, [...written, { name, temporary }]);
        return problems;
      }
    }
    return [...problems, ...renameAll(host, written)];
  }

  /** The tree that a path is confined to, and the path within it. */
  private treeOf(path: string): readonly [DiskRoot, string] | undefined {
    const { below, root } = this;
    const tree = root === '' || !path.startsWith('/') ? undefined : new DiskRoot(root);
    if (below !== undefined && (path === below || path.startsWith(`${below}/`))) {
      const host = tree ? tree.locate(below)?.host : below;
      if (host !== undefined) return [new DiskRoot(host), path.slice(below.length) || '/'];
    }
    return tree && [tree, path];
  }
}

function makeBelow(tree: DiskRoot, path: string): number {
  try {
    new OutputFolder(tree).directory(path);
    return 0;
  } catch (error) {
    const errno = errnoOf(error);
    return errno === EEXIST ? ENOTDIR : errno;
  }
}

function writeNew(
  path: string,
  name: string,
  temporary: string,
  content: Uint8Array,
): WriteProblem | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644);
  } catch (error) {
    return { step: 'open', temporary, errno: errnoOf(error) };
  }
  try {
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
    return undefined;
  } catch (error) {
    return { step: 'write', name, errno: errnoOf(error) };
  } finally {
    closeSync(fd);
  }
}

function renameAll(host: string, files: readonly Temporary[]): WriteProblem[] {
  for (let i = 0; i < files.length; i++) {
    const { name, temporary } = files[i];
    try {
      renameSync(join(host, temporary), join(host, name));
    } catch (error) {
      discard(host, files.slice(i));
      return [{ step: 'rename', name, temporary, errno: errnoOf(error) }];
    }
  }
  return [];
}

function discard(host: string, files: readonly Temporary[]): void {
  for (const { temporary } of files) {
    try {
      unlinkSync(join(host, temporary));
    } catch {
      // What cannot be removed stays, under a name that nobody reads.
    }
  }
}

/**
 * Removes what runs left that were killed: files named as those made here, of this user, of a process that is gone,
 * and old enough that no process of another container can still be at it.
 */
function removeStale(host: string, names: readonly string[]): void {
  for (const entry of entriesOf(host)) {
    const match = /^(.+)\.(\d+)\.\d{1,6}\.\d+$/.exec(entry);
    if (!match || !names.includes(match[1]) || isAlive(Number(match[2]))) continue;
    const path = join(host, entry);
    try {
      const stat = lstatSync(path);
      const old = Date.now() - stat.mtimeMs > STALE_AFTER;
      if (old && stat.isFile() && stat.uid === process.getuid?.()) unlinkSync(path);
    } catch {
      // Somebody else was faster.
    }
  }
}

function entriesOf(host: string): string[] {
  try {
    return readdirSync(host);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Microseconds of the present second. */
function microseconds(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000) % 1_000_000;
}

function errnoOf(error: unknown): number {
  const { errno } = error as NodeJS.ErrnoException;
  if (typeof errno !== 'number' && !(error instanceof Error && 'code' in error)) throw error;
  return typeof errno === 'number' ? -errno : EIO;
}
