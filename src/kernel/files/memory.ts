import type { FileError } from './failure.js';
import { DataNode, DirectoryNode, type FileNode } from './node.js';

/** A directory held in memory; entries are listed in the order in which they were made. */
export class MemoryDirectory extends DirectoryNode {
  protected readonly entries = new Map<string, FileNode>();

  constructor(mode = 0o755) {
    super(mode);
  }

  override lookup(name: string): FileNode | undefined {
    return this.entries.get(name);
  }

  override names(): readonly string[] {
    return [...this.entries.keys()];
  }

  override insert(name: string, node: FileNode): FileError | 0 {
    if (this.entries.has(name)) return 'EEXIST';
    this.entries.set(name, node);
    return 0;
  }

  override remove(name: string): FileError | 0 {
    const node = this.entries.get(name);
    if (!node) return 'ENOENT';
    if (node instanceof DirectoryNode && node.names().length > 0) return 'ENOTEMPTY';
    this.entries.delete(name);
    return 0;
  }

  /** The entry's node, made first where there is none. */
  subdirectory(name: string, mode = 0o755): MemoryDirectory {
    const known = this.entries.get(name);
    if (known instanceof MemoryDirectory) return known;
    const made = new MemoryDirectory(mode);
    this.entries.set(name, made);
    return made;
  }
}

/** A file in memory is no larger: half of what a machine has, as a tmpfs is by default. */
const MAX_FILE_BYTES = 256 << 20;

/** A regular file held in memory. */
export class MemoryFile extends DataNode {
  private length: number;

  constructor(
    mode = 0o644,
    private buffer: Uint8Array = new Uint8Array(),
  ) {
    super(mode);
    this.length = buffer.length;
  }

  override get size(): number {
    return this.length;
  }

  override read(position: number, count: number): Uint8Array {
    return this.buffer.subarray(Math.min(position, this.length), Math.min(position + count, this.length));
  }

  override write(position: number, bytes: Uint8Array): FileError | 0 {
    if (!this.reserve(position + bytes.length)) return 'ENOSPC';
    this.buffer.set(bytes, position);
    this.length = Math.max(this.length, position + bytes.length);
    return 0;
  }

  override truncate(size: number): FileError | 0 {
    if (!this.reserve(size)) return 'ENOSPC';
    if (size < this.length) this.buffer.fill(0, size, this.length);
    this.length = size;
    return 0;
  }

  private reserve(size: number): boolean {
    if (size <= this.buffer.length) return true;
    if (size > MAX_FILE_BYTES) return false;
    const larger = new Uint8Array(Math.min(Math.max(size, this.buffer.length * 2, 64), MAX_FILE_BYTES));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
    return true;
  }
}
