import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DirectoryNode, FileNode } from '../../../kernel/files/index.js';
import { EEXIST, ENOENT, ENOTEMPTY, EPERM } from '../../errno.js';
import type { FileServer, MaybeSleeps, OpenFile, ServedNode } from '../open-file.js';

/** How a /proc file is opened: chosen when it is created. */
export type ProcOpener = (open: OpenFile, inode: Ptr) => MaybeSleeps<FileServer | number>;

/** A file of /proc. */
export class ProcFile extends FileNode implements ServedNode {
  override readonly kind = 'file';
  /** Files that are open and would have to be cut off when the entry goes. */
  readonly openers = new Set<OpenFile>();
  removed = false;
  private shownSize = 0;

  constructor(
    readonly name: string,
    mode: number,
    readonly parent: ProcDirectory,
    /** struct proc_dir_entry, 0 for the base kernel's own files. */
    readonly entry: Ptr,
    private readonly opener: ProcOpener,
  ) {
    super(mode);
  }

  override get size(): number {
    return this.shownSize;
  }

  override set size(value: number) {
    this.shownSize = value;
  }

  *openFile(open: OpenFile, inode: Ptr): Sleepable<FileServer | number> {
    if (this.removed) return -ENOENT;
    const result = this.opener(open, inode);
    const server = typeof result === 'object' && 'next' in result ? yield* result : result;
    if (typeof server !== 'number') this.openers.add(open);
    return server;
  }
}

/** Directories that come and go by themselves. */
interface PassingDirectories {
  names(): readonly string[];
  lookup(name: string): ProcDirectory | undefined;
}

/** A directory of /proc. Nothing can be made or removed in it from user space. */
export class ProcDirectory extends DirectoryNode {
  private readonly children = new Map<string, FileNode>();
  /** Of /proc itself: those of the processes. */
  passing: PassingDirectories | undefined;

  constructor(
    readonly name: string,
    mode: number,
    readonly parent: ProcDirectory | undefined,
    readonly entry: Ptr,
  ) {
    super(mode);
  }

  override lookup(name: string): FileNode | undefined {
    return this.children.get(name) ?? this.passing?.lookup(name);
  }

  /** In the order of the kernel's tree: shorter names first. */
  override names(): readonly string[] {
    const names = [...this.children.keys()].sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    return this.passing ? [...this.passing.names(), ...names] : names;
  }

  override insert(): number {
    return -ENOENT;
  }

  override remove(name: string): number {
    return this.children.has(name) ? -EPERM : -ENOENT;
  }

  attach(name: string, node: FileNode): number {
    if (this.children.has(name)) return -EEXIST;
    this.children.set(name, node);
    return 0;
  }

  detach(name: string): number {
    const node = this.children.get(name);
    if (!node) return -ENOENT;
    if (node instanceof ProcDirectory && node.children.size > 0) return -ENOTEMPTY;
    this.children.delete(name);
    return 0;
  }
}
