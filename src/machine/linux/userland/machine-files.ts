import type { Sleepable } from '../../../kernel/effects.js';
import { OverlayDirectory } from '../../../kernel/files/host-tree.js';
import {
  DataNode,
  DirectoryNode,
  type FileNode,
  type FileTree,
  SymlinkNode,
} from '../../../kernel/files/index.js';
import type { FileEntry, FileInfo, FileSource } from '../../../kmod/index.js';

/**
 * A machine's files as kmod's tools read them: what its user made is seen. Only files whose bytes the tree
 * itself holds can be read: one for which a module's code would have to run, or that would sleep, counts as
 * unreadable.
 */
export class MachineFiles implements FileSource {
  constructor(private readonly tree: FileTree) {}

  read(path: string): Uint8Array | undefined {
    const node = this.node(path);
    return node instanceof DataNode ? node.content() : undefined;
  }

  list(path: string): readonly FileEntry[] | undefined {
    const node = this.node(path);
    if (!(node instanceof DirectoryNode)) return undefined;
    const names = node.list ? atOnce(node.list()) : node.names();
    if (!names || typeof names === 'number') return undefined;
    return [...names].sort().map((name) => ({ name, kind: kindOf(this.node(`${path}/${name}`)) }));
  }

  stamp(path: string): string | undefined {
    const node = this.node(path);
    return node && `${node.size}:${node.mtime}`;
  }

  info(path: string): FileInfo | undefined {
    const node = this.node(path, false);
    if (!node) return undefined;
    const { size, mode, mtime } = node;
    if (node instanceof SymlinkNode) return { kind: 'symlink', size, mode, mtime, target: node.target };
    return { kind: node instanceof DirectoryNode ? 'directory' : 'file', size, mode, mtime };
  }

  /** Whether there is such a file and it is not the one that the machine was booted with. */
  wasMade(path: string): boolean {
    const slash = path.lastIndexOf('/');
    const directory = this.node(path.slice(0, slash) || '/');
    // The host is not asked: its tree may be a package that takes long to open.
    const node =
      directory instanceof OverlayDirectory ? directory.known(path.slice(slash + 1)) : this.node(path);
    return node instanceof DataNode && !node.fromHost;
  }

  private node(path: string, follow = true): FileNode | undefined {
    if (!path.startsWith('/')) return undefined;
    const location = atOnce(this.tree.resolve(path, { follow }));
    return typeof location === 'object' ? location.node : undefined;
  }
}

function kindOf(node: FileNode | undefined): FileEntry['kind'] {
  if (node instanceof DirectoryNode) return 'directory';
  return node instanceof DataNode ? 'file' : 'other';
}

/** The result of what does not have to wait for anything. */
function atOnce<T>(steps: Sleepable<T>): T | undefined {
  const { done, value } = steps.next();
  if (done) return value;
  steps.return(undefined as T);
  return undefined;
}
