import { cleanPath, type FileEntry, type FileInfo, type FileSource, infoOf } from './file-source.js';

/** The files of a source, seen below a directory: `/x` of the source is `DIRECTORY/x` here. */
export class MountedFiles implements FileSource {
  private readonly directory: string;

  constructor(
    directory: string,
    private readonly files: FileSource,
  ) {
    this.directory = cleanPath(directory);
  }

  read(path: string): Uint8Array | undefined {
    const within = this.within(path);
    return within === undefined ? undefined : this.files.read(within);
  }

  list(path: string): readonly FileEntry[] | undefined {
    const within = this.within(path);
    if (within !== undefined) return this.files.list(within);
    const next = this.nextOf(path);
    return next === undefined ? undefined : [{ name: next, kind: 'directory' }];
  }

  stamp(path: string): string | undefined {
    const within = this.within(path);
    return within === undefined ? undefined : this.files.stamp?.(within);
  }

  info(path: string): FileInfo | undefined {
    const within = this.within(path);
    if (within !== undefined && within !== '/') return infoOf(this.files, within);
    return within === '/' || this.nextOf(path) !== undefined ? DIRECTORY : undefined;
  }

  /** The path in the source; undefined of one that is not below the directory. */
  private within(path: string): string | undefined {
    const clean = cleanPath(path);
    if (clean === this.directory) return '/';
    return clean.startsWith(`${this.directory}/`) ? clean.slice(this.directory.length) : undefined;
  }

  /** The next name on the way from a path to the directory. */
  private nextOf(path: string): string | undefined {
    const clean = cleanPath(path);
    const prefix = clean === '/' ? '/' : `${clean}/`;
    return this.directory.startsWith(prefix) ? this.directory.slice(prefix.length).split('/')[0] : undefined;
  }
}

const DIRECTORY: FileInfo = { kind: 'directory', size: 0, mode: 0o755, mtime: 0 };
