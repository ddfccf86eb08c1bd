import type { FileEntry, FileInfo, FileSource } from '../../files/file-source.js';
import { DIRECTORY } from '../../files/file-source.js';
import type { DiskFiles } from './disk-files.js';

/**
 * Of a disk only /lib/modules/RELEASE: the tree that a module's file lies in, where nobody said that the rest of the disk is
 * the machine's too. What a link in it leads to elsewhere is not there.
 */
export class ModuleFolder implements FileSource {
  private readonly directory: string;
  /** Where that is without links. */
  private readonly real: string | undefined;

  constructor(
    private readonly files: DiskFiles,
    release: string,
  ) {
    this.directory = `/lib/modules/${release}`;
    this.real = files.locate(this.directory)?.path;
  }

  read(path: string): Uint8Array | undefined {
    return this.isWithin(path) ? this.files.read(path) : undefined;
  }

  list(path: string): readonly FileEntry[] | undefined {
    const next = this.nextAbove(path);
    if (next !== undefined) return [{ name: next, kind: 'directory' }];
    if (!this.isWithin(path)) return undefined;
    return this.files
      .list(path)
      ?.map((entry) =>
        this.isWithin(`${path}/${entry.name}`) ? entry : { name: entry.name, kind: 'other' },
      );
  }

  stamp(path: string): string | undefined {
    return this.isWithin(path) ? this.files.stamp(path) : undefined;
  }

  info(path: string): FileInfo | undefined {
    if (this.nextAbove(path) !== undefined) return DIRECTORY;
    if (path === this.directory) return this.real === undefined ? undefined : DIRECTORY;
    const slash = path.lastIndexOf('/');
    return this.isWithin(path.slice(0, slash)) ? this.files.info(path) : undefined;
  }

  /** The one name in a directory above the tree. */
  private nextAbove(path: string): string | undefined {
    if (this.real === undefined) return undefined;
    const prefix = path === '/' ? '/' : `${path.replace(/\/+$/, '')}/`;
    if (!this.directory.startsWith(prefix)) return undefined;
    return this.directory.slice(prefix.length).split('/')[0];
  }

  private isWithin(path: string): boolean {
    const { directory, real } = this;
    if (real === undefined || (path !== directory && !path.startsWith(`${directory}/`))) return false;
    const found = this.files.locate(path)?.path;
    return found !== undefined && (found === real || found.startsWith(`${real}/`));
  }
}
