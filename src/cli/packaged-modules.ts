import { DIRECTORY, type FileEntry, type FileInfo, type FileSource } from '../tools.js';

/**
 * Of a package that a target was added from only /lib/modules/RELEASE. It takes seconds to unpack one, so that is done when something
 * below that directory is asked for.
 */
export class PackagedModules implements FileSource {
  private readonly directory: string;
  private opened: FileSource | undefined;

  constructor(
    private readonly open: () => FileSource,
    release: string,
  ) {
    this.directory = `/lib/modules/${release}`;
  }

  read(path: string): Uint8Array | undefined {
    return this.within(path)?.read(path);
  }

  list(path: string): readonly FileEntry[] | undefined {
    const next = this.nextAbove(path);
    return next === undefined ? this.within(path)?.list(path) : [{ name: next, kind: 'directory' }];
  }

  stamp(path: string): string | undefined {
    return this.within(path)?.stamp?.(path);
  }

  info(path: string): FileInfo | undefined {
    if (path === this.directory || this.nextAbove(path) !== undefined) return DIRECTORY;
    return this.within(path)?.info?.(path);
  }

  private within(path: string): FileSource | undefined {
    if (path !== this.directory && !path.startsWith(`${this.directory}/`)) return undefined;
    this.opened ??= this.open();
    return this.opened;
  }

  /** The one name in a directory above that one. */
  private nextAbove(path: string): string | undefined {
    const prefix = `${path.replace(/\/+$/, '')}/`;
    return this.directory.startsWith(prefix) ? this.directory.slice(prefix.length).split('/')[0] : undefined;
  }
}
