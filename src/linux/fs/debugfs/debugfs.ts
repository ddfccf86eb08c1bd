import type { Ptr } from '../../../cpu/layout.js';
import { SymlinkNode } from '../../../kernel/files/index.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { RECORD_OF_HOST_BYTES } from '../../../kernel/mm/budget.js';
import { EEXIST, EINVAL, ENOENT, ENOMEM } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { modeOf, VfsObjects } from '../objects.js';
import { DebugDirectory, DebugFile, type DebugNode } from './node.js';

interface Entry {
  readonly dentry: Ptr;
  readonly node: DebugNode;
  readonly parent: Entry | undefined;
  name: string;
}

/**
 * The tree of debugfs (fs/debugfs/inode.c). Modules hold its dentries, so each entry has guest objects from
 * the time it is made until it is removed.
 */
export class DebugFs implements Subsystem {
  readonly exports = {};

  /** What is at the top of what a module made: what is below goes with it. */
  *holds(): Generator<Holding> {
    const type = this.k.struct('dentry');
    for (const entry of this.entries.values()) {
      if (!entry.parent) continue;
      const inode = type.get(entry.dentry, 'd_inode');
      yield {
        kind: entry.node instanceof DebugDirectory ? 'debugfs directory' : 'debugfs file',
        at: entry.dentry,
        uses: inode === 0 ? [] : [this.k.struct('inode').get(inode, 'i_fop')],
        parts: [...this.entries.values()]
          .filter(({ parent }) => parent === entry)
          .map(({ dentry }) => dentry),
        name: () => pathOf(entry),
      };
    }
  }
  readonly root: DebugDirectory;
  private readonly entries = new Map<Ptr, Entry>();
  private readonly rootEntry: Entry;

  constructor(private readonly k: LinuxKernel) {
    this.root = new DebugDirectory(0o700);
    this.rootEntry = this.enter('/', this.root, undefined, 0);
  }

  /** Creates a file: its dentry, or an ERR_PTR as the kernel gives it. */
  createFile(name: string, parent: Ptr, file: DebugFile, data: Ptr, operations: Ptr): Ptr {
    const dentry = this.create(name, parent, file, data);
    if (!isErr(dentry)) {
      const inode = this.k.struct('dentry').get(dentry, 'd_inode');
      this.k.struct('inode').set(inode, 'i_fop', operations);
      this.k.struct('inode').set(inode, 'i_size', file.size);
    }
    return dentry;
  }

  createDirectory(name: string, parent: Ptr): Ptr {
    return this.create(name, parent, new DebugDirectory(0o755), 0);
  }

  createSymlink(name: string, parent: Ptr, target: string): Ptr {
    return this.create(name, parent, new SymlinkNode(target), 0);
  }

  /** The dentry of an entry, 0 if there is none; the caller has a reference to it. */
  lookUp(name: string, parent: Ptr): Ptr {
    const directory = this.directory(parent);
    const node = directory?.node instanceof DebugDirectory ? directory.node.lookup(name) : undefined;
    for (const entry of this.entries.values())
      if (entry.node === node && node !== undefined) {
        const type = this.k.struct('dentry');
        type.set(entry.dentry, 'd_lockref.count', type.get(entry.dentry, 'd_lockref.count') + 1);
        return entry.dentry;
      }
    return 0;
  }

  /** debugfs_remove(): an entry with all that is below it. */
  remove(dentry: Ptr): void {
    const entry = this.entries.get(dentry);
    if (!entry?.parent) return;
    this.drop(entry);
  }

  rename(oldDirectory: Ptr, dentry: Ptr, newDirectory: Ptr, name: string): Ptr {
    const entry = this.entries.get(dentry);
    const from = this.directory(oldDirectory);
    const to = this.directory(newDirectory);
    if (!entry || !from || !to || from !== to) return errPtr(EINVAL);
    const directory = from.node as DebugDirectory;
    if (entry.name === name || directory.lookup(name)) return errPtr(EEXIST);
    directory.detach(entry.name);
    directory.attach(name, entry.node);
    entry.name = name;
    this.k.get(VfsObjects).nameDentry(dentry, name, this.k.struct('dentry').get(dentry, 'd_parent'));
    return dentry;
  }

  /** Whether an entry is still there: debugfs_file_get(). */
  isLive(dentry: Ptr): boolean {
    return this.entries.has(dentry);
  }

  private directory(parent: Ptr): Entry | undefined {
    return parent === 0 ? this.rootEntry : this.entries.get(parent);
  }

  private create(name: string, parent: Ptr, node: DebugNode, data: Ptr): Ptr {
    if (isErr(parent)) return parent;
    const above = this.directory(parent);
    if (!above || !(above.node instanceof DebugDirectory)) return errPtr(ENOENT);
    const present = above.node.lookup(name);
    if (present) {
      const text =
        present instanceof DebugDirectory
          ? `Directory '${name}' with parent '${above.name}' already present!`
          : `File '${name}' in directory '${above.name}' already present!`;
      this.k.log.line(`debugfs: ${text}`, LOGLEVEL_ERR);
      return errPtr(EEXIST);
    }
    if (!this.k.budget.take(RECORD_OF_HOST_BYTES)) return errPtr(ENOMEM);
    if (node instanceof DebugDirectory) above.node.links++;
    const entry = this.enter(name, node, above, data);
    above.node.attach(name, node);
    return entry.dentry;
  }

  private enter(name: string, node: DebugNode, parent: Entry | undefined, data: Ptr): Entry {
    const { k } = this;
    const objects = k.get(VfsObjects);
    const { superBlock, mount } = objects.fileSystem('debugfs');
    const inode = objects.makeInode(node, superBlock);
    const type = k.struct('inode');
    type.set(inode, 'i_mode', modeOf(node));
    type.set(inode, 'i_private', data);
    const dentry = objects.makeDentry(name, inode, parent?.dentry ?? 0, superBlock);
    objects.adopt(node, { inode, dentry, superBlock, mount });
    const entry = { dentry, node, parent, name };
    this.entries.set(dentry, entry);
    return entry;
  }

  private drop(entry: Entry): void {
    const { node, parent } = entry;
    if (node instanceof DebugDirectory)
      for (const other of [...this.entries.values()]) if (other.parent === entry) this.drop(other);
    if (parent?.node instanceof DebugDirectory) {
      parent.node.detach(entry.name);
      if (node instanceof DebugDirectory) parent.node.links--;
    }
    if (node instanceof DebugFile) node.removed = true;
    if (this.entries.delete(entry.dentry)) this.k.budget.give(RECORD_OF_HOST_BYTES);
    this.k.get(VfsObjects).release(node);
  }
}

/** Below the mount point. */
function pathOf({ parent, name }: Entry): string {
  return parent === undefined ? '' : `${pathOf(parent)}/${name}`;
}
