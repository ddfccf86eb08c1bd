import type { FileEntry, FileInfo, FileSource } from '../../files/file-source.js';
import {
  DataNode,
  DirectoryNode,
  type FileNode,
  type FileTree,
  SymlinkNode,
} from '../../kernel/files/index.js';

/** A machine's file tree as programs read it, with what was written there since boot. What a module's file system has is not in it. */
export class TreeFiles implements FileSource {
  /** `absolute` makes paths absolute. */
  constructor(
    private readonly tree: FileTree,
    private readonly absolute: (path: string) => string = (path) => path,
  ) {}

  /** The same tree, of which relative paths mean something too. */
  from(absolute: (path: string) => string): TreeFiles {
    return new TreeFiles(this.tree, absolute);
  }

  read(path: string): Uint8Array | undefined {
    const node = this.node(path, true);
    return node instanceof DataNode ? node.content().slice() : undefined;
  }

  list(path: string): readonly FileEntry[] | undefined {
    const node = this.node(path, true);
    if (!(node instanceof DirectoryNode) || node.list) return undefined;
    return [...node.names()].sort().map((name) => ({ name, kind: kindOf(node.lookup(name)) }));
  }

  info(path: string): FileInfo | undefined {
    const node = this.node(path, false);
    const kind = node && kindOf(node);
    if (!node || kind === 'other') return undefined;
    const { size, mode, mtime } = node;
    if (node instanceof SymlinkNode) return { kind: 'symlink', size, mode, mtime, target: node.target };
    return { kind: kind === 'directory' ? kind : 'file', size, mode, mtime };
  }

  /** Puts a file into the place of an old one: 0, or an error number. */
  replace(path: string, bytes: Uint8Array): number {
    return this.tree.writeFile(this.absolute(path), bytes);
  }

  /** Removes a file, if there is one. */
  remove(path: string): void {
    const found = this.tree.locate(this.absolute(path), { follow: false });
    if (typeof found !== 'number' && found.node) found.parent.remove(found.name);
  }

  private node(path: string, follow: boolean): FileNode | undefined {
    // A file system that would have to wait is a module's.
    const step = this.tree.resolve(this.absolute(path), { follow }).next();
    return !step.done || typeof step.value === 'number' ? undefined : step.value.node;
  }
}

function kindOf(node: FileNode | undefined): FileEntry['kind'] {
  if (node instanceof DirectoryNode) return 'directory';
  return node instanceof DataNode || node instanceof SymlinkNode ? 'file' : 'other';
}
