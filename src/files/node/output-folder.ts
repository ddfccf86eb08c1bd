import {
  closeSync,
  constants,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { PathError } from '../resolve-path.js';
import { type DiskRoot, hostPath } from './disk-root.js';

const TEXTS: Readonly<Record<PathError | 'EEXIST', string>> = {
  EEXIST: 'File exists',
  ELOOP: 'Too many levels of symbolic links',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
};

/** What is to be written cannot be: `code` and `syscall` are as of a system call that fails. */
class OutputError extends Error {
  override readonly name = 'OutputError';
  readonly syscall = 'open';

  constructor(
    readonly path: string,
    readonly code: PathError | 'EEXIST',
    why = TEXTS[code],
  ) {
    super(`${path}: ${why}`);
  }
}

interface OutputOptions {
  /** Files that are there already may be replaced. */
  readonly replace?: boolean;
  /** Permission bits of a directory that has to be made, by its path; 0755 by default. */
  readonly modeOf?: (directory: string) => number;
}

/**
 * Writes below one directory and nowhere else. Links that were there before lead within it at most; one that was made
 * here is never followed. Each file is a new one with the permissions that are asked for. What was made can be undone.
 */
export class OutputFolder {
  /** Host paths in the order in which they were made. */
  private readonly made: { readonly host: string; readonly kind: 'directory' | 'file' }[] = [];
  private readonly links = new Set<string>();

  constructor(
    private readonly tree: DiskRoot,
    private readonly options: OutputOptions = {},
  ) {}

  /** The host's path of a directory, which is made where it is missing. Throws OutputError and system errors. */
  directory(path: string): string {
    const found = this.tree.resolve(path);
    const passed = found.links.find((link) => this.links.has(link.path));
    if (passed) throw new OutputError(path, 'ENOTDIR', `${passed.path} is a link of the image itself`);
    if (found.kind === 'found') {
      if (found.node.kind !== 'directory') throw new OutputError(path, 'ENOTDIR');
      return this.tree.hostOf(found.path);
    }
    if (found.error !== 'ENOENT' || found.rest.includes('..')) throw new OutputError(path, found.error);
    let place = found.directory === '/' ? '' : found.directory;
    for (const name of found.rest) {
      place += `/${name}`;
      const host = this.tree.hostOf(place);
      mkdirSync(hostPath(host), { mode: this.options.modeOf?.(place) ?? 0o755 });
      this.made.push({ host, kind: 'directory' });
    }
    return this.tree.hostOf(place);
  }

  /** Writes a file. One that is there with the same content stays. Throws OutputError and system errors. */
  file(path: string, content: Uint8Array, mode: number): void {
    this.put(
      path,
      (host) => {
        const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
        const fd = openSync(hostPath(host), flags, 0o600);
        this.made.push({ host, kind: 'file' });
        try {
          for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
          fchmodSync(fd, mode & 0o777);
        } finally {
          closeSync(fd);
        }
      },
      (host) => sameFile(host, content),
    );
  }

  /** Makes a symbolic link. */
  link(path: string, target: string): void {
    this.put(
      path,
      (host) => {
        symlinkSync(hostPath(target), hostPath(host));
        this.made.push({ host, kind: 'file' });
      },
      () => false,
    );
    this.links.add(path);
  }

  /** Takes away what was made, the last first; what others put into a directory meanwhile stays, with it. */
  undo(): void {
    for (const { host, kind } of this.made.reverse()) {
      try {
        if (kind === 'file') unlinkSync(hostPath(host));
        else rmdirSync(hostPath(host));
      } catch {
        // Somebody else's by now.
      }
    }
    this.made.length = 0;
  }

  /** Makes what is at a path, beside what is there already where that may be replaced. */
  private put(path: string, make: (host: string) => void, isThere: (host: string) => boolean): void {
    const slash = path.lastIndexOf('/');
    const host = `${this.directory(path.slice(0, slash) || '/')}/${path.slice(slash + 1)}`;
    const old = lstatSync(hostPath(host), { throwIfNoEntry: false });
    if (!old) {
      make(host);
      return;
    }
    if (isThere(host)) return;
    if (!this.options.replace || old.isDirectory()) throw new OutputError(host, 'EEXIST', 'is there already');
    const beside = `${host}.${process.pid}.new`;
    make(beside);
    renameSync(hostPath(beside), hostPath(host));
  }
}

function sameFile(host: string, content: Uint8Array): boolean {
  const stat = lstatSync(hostPath(host));
  return stat.isFile() && stat.size === content.length && readFileSync(hostPath(host)).equals(content);
}
