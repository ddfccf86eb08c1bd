import type { FileError } from './failure.js';
import { MemoryFile } from './memory.js';
import { DataNode, DirectoryNode, type FileNode, SymlinkNode } from './node.js';

/** What a host file tree says of one path. */
export interface HostEntry {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/**
 * Files of the world outside the machine, read-only: a directory on disk, an archive, a bundle in a browser.
 * Paths begin with `/` and are relative to whatever the tree stands for.
 */
export interface HostTree {
  entry(path: string): HostEntry | undefined;
  list(path: string): readonly string[];
  read(path: string): Uint8Array;
  readLink(path: string): string;
}

/** A file of a host tree. It is read when first used; writing changes a copy in memory. */
class HostFile extends DataNode {
  private copy: MemoryFile | undefined;

  constructor(
    private readonly tree: HostTree,
    private readonly path: string,
    private readonly entry: HostEntry,
  ) {
    super(entry.mode);
    this.mtime = entry.mtime;
  }

  override get size(): number {
    return this.copy?.size ?? this.entry.size;
  }

  override get fromHost(): boolean {
    return this.copy === undefined;
  }

  /** Does not keep what is read: it is read as a whole mostly once. */
  override content(): Uint8Array {
    return this.copy?.content() ?? this.tree.read(this.path);
  }

  override read(position: number, count: number): Uint8Array {
    return this.loaded().read(position, count);
  }

  override write(position: number, bytes: Uint8Array): FileError | 0 {
    return this.loaded().write(position, bytes);
  }

  override truncate(size: number): FileError | 0 {
    if (size !== 0) return this.loaded().truncate(size);
    this.copy = new MemoryFile(this.mode);
    return 0;
  }

  private loaded(): MemoryFile {
    this.copy ??= new MemoryFile(this.mode, this.tree.read(this.path).slice());
    return this.copy;
  }
}

/**
 * A directory of the overlay: the host's entries below, what the machine made or removed above. The host is
 * never written to.
 */
export class OverlayDirectory extends DirectoryNode {
  /** Nodes that were looked up or made; undefined where an entry of the host was removed. */
  private readonly upper = new Map<string, FileNode | undefined>();

  constructor(
    private readonly tree: HostTree,
    private readonly path: string,
    mode = 0o755,
  ) {
    super(mode);
  }

  override lookup(name: string): FileNode | undefined {
    if (this.upper.has(name)) return this.upper.get(name);
    const node = this.fromHost(name);
    if (node) this.upper.set(name, node);
    return node;
  }

  /** What was looked up or made here; the host is not asked. */
  known(name: string): FileNode | undefined {
    return this.upper.get(name);
  }

  override names(): readonly string[] {
    const names = new Set(this.tree.entry(this.path || '/') ? this.tree.list(this.path || '/') : []);
    for (const [name, node] of this.upper) {
      if (node) names.add(name);
      else names.delete(name);
    }
    return [...names];
  }

  override insert(name: string, node: FileNode): FileError | 0 {
    if (this.lookup(name)) return 'EEXIST';
    this.upper.set(name, node);
    return 0;
  }

  override remove(name: string): FileError | 0 {
    const node = this.lookup(name);
    if (!node) return 'ENOENT';
    if (node instanceof DirectoryNode && node.names().length > 0) return 'ENOTEMPTY';
    this.upper.set(name, undefined);
    return 0;
  }

  private fromHost(name: string): FileNode | undefined {
    const path = `${this.path}/${name}`;
    const entry = this.tree.entry(path);
    switch (entry?.kind) {
      case 'directory':
        return new OverlayDirectory(this.tree, path, entry.mode);
      case 'file':
        return new HostFile(this.tree, path, entry);
      case 'symlink':
        return new SymlinkNode(this.tree.readLink(path));
      default:
        return undefined;
    }
  }
}
