import type { Ptr } from '../../../cpu/layout.js';
import { DirectoryNode, FileNode, type SymlinkNode } from '../../../kernel/files/index.js';
import { EEXIST, ENOENT, ENOTEMPTY, EPERM } from '../../errno.js';
import type { FileServer, MaybeSleeps, OpenFile, ServedNode } from '../open-file.js';

type DebugOpener = (open: OpenFile, inode: Ptr, file: DebugFile) => MaybeSleeps<FileServer | number>;

/** A directory of debugfs. Only the kernel makes and removes entries. */
export class DebugDirectory extends DirectoryNode {
  private readonly children = new Map<string, FileNode>();

  override lookup(name: string): FileNode | undefined {
    return this.children.get(name);
  }

  /** Newest first, as simple directories list their entries. */
  override names(): readonly string[] {
    return [...this.children.keys()].reverse();
  }

  override insert(): number {
    return -EPERM;
  }

  override remove(): number {
    return -EPERM;
  }

  attach(name: string, node: FileNode): number {
    if (this.children.has(name)) return -EEXIST;
    this.children.set(name, node);
    return 0;
  }

  detach(name: string): number {
    const node = this.children.get(name);
    if (!node) return -ENOENT;
    if (node instanceof DebugDirectory && node.children.size > 0) return -ENOTEMPTY;
    this.children.delete(name);
    return 0;
  }
}

/** A file of debugfs. */
export class DebugFile extends FileNode implements ServedNode {
  override readonly kind = 'file';
  /** From then on every operation on files that are still open gives -EIO. */
  removed = false;
  private readonly shownSize: number;

  constructor(
    mode: number,
    private readonly opener: DebugOpener,
    size = 0,
  ) {
    super(mode);
    this.shownSize = size;
  }

  override get size(): number {
    return this.shownSize;
  }

  openFile(open: OpenFile, inode: Ptr): MaybeSleeps<FileServer | number> {
    return this.removed ? -ENOENT : this.opener(open, inode, this);
  }
}

export type DebugNode = DebugDirectory | DebugFile | SymlinkNode;
