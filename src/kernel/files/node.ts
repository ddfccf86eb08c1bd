import type { Sleepable } from '../effects.js';
import type { Failure, FileError } from './failure.js';

export type NodeKind = 'directory' | 'file' | 'symlink' | 'character' | 'block' | 'fifo' | 'socket';

/** Something that has a name in the file tree. Operating systems derive nodes of their own from it. */
export abstract class FileNode {
  abstract readonly kind: NodeKind;
  uid = 0;
  gid = 0;
  /** Seconds since 1970. */
  mtime = 0;
  links = 1;

  /** `mode` is the permission bits, 0 to 0o7777. */
  constructor(public mode: number) {}

  /** Length in bytes, as stat(2) tells it. */
  get size(): number {
    return 0;
  }
}

/**
 * A directory. `lookup` answers at once; a directory whose look-up may sleep (a file system that a module
 * implements) gives `find` as well, and path resolution in a task uses that.
 */
export abstract class DirectoryNode extends FileNode {
  override readonly kind = 'directory';

  abstract lookup(name: string): FileNode | undefined;
  /** Names in the order in which readdir gives them, without `.` and `..`. */
  abstract names(): readonly string[];
  /** Adds an entry: 0, or why not. */
  abstract insert(name: string, node: FileNode): Failure;
  /** Removes an entry: 0, or why not. */
  abstract remove(name: string): Failure;

  /** Look-up that may sleep: a node, nothing, or an error number of the system. */
  find?(name: string): Sleepable<FileNode | number | undefined>;
  /** Makes a file or directory where the file system decides what that is, or a socket's name. */
  make?(name: string, kind: 'file' | 'directory' | 'socket', mode: number): Sleepable<FileNode | number>;
  /** Removal that may sleep. */
  drop?(name: string): Sleepable<number>;
  /** Listing that may sleep. */
  list?(): Sleepable<readonly string[] | number>;
}

/** A regular file whose bytes the file tree itself holds. */
export abstract class DataNode extends FileNode {
  override readonly kind = 'file';

  /** At most `count` bytes from `position` on; a view that later writes may change. */
  abstract read(position: number, count: number): Uint8Array;
  /** 0, or ENOSPC where the file would become too large. */
  abstract write(position: number, bytes: Uint8Array): FileError | 0;
  /** As `write`. */
  abstract truncate(size: number): FileError | 0;

  /** Whether the bytes are those of a file outside of the machine, as it is there. */
  get fromHost(): boolean {
    return false;
  }

  /** The whole content. */
  content(): Uint8Array {
    return this.read(0, this.size);
  }
}

/** A symbolic link. `target` is asked each time it is followed. */
export class SymlinkNode extends FileNode {
  override readonly kind = 'symlink';
  private readonly readTarget: () => string;

  constructor(target: string | (() => string)) {
    super(0o777);
    this.readTarget = typeof target === 'string' ? () => target : target;
  }

  get target(): string {
    return this.readTarget();
  }

  override get size(): number {
    return this.target.length;
  }
}

/** A device node: only the numbers. What they stand for is the operating system's business. */
export class DeviceNode extends FileNode {
  constructor(
    override readonly kind: 'character' | 'block',
    mode: number,
    readonly major: number,
    readonly minor: number,
  ) {
    super(mode);
  }
}

/** A named pipe or a socket: it only has a name. */
export class SpecialNode extends FileNode {
  constructor(
    override readonly kind: 'fifo' | 'socket',
    mode: number,
  ) {
    super(mode);
  }
}
