import type { Ptr } from '../../../cpu/layout.js';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { type FileNode, SymlinkNode } from '../../../kernel/files/index.js';
import { RECORD_OF_HOST_BYTES } from '../../../kernel/mm/budget.js';
import { EINVAL, EIO, ENOENT } from '../../errno.js';
import { noSuchObject } from '../../errors.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import type { FileServer, OpenFile } from '../open-file.js';
import { TextServer, type TextSource } from '../text-server.js';
import { ProcDirectory, ProcFile, type ProcOpener } from './node.js';

const SOURCE = 'fs/proc/generic.c';
/** Where its WARN()s are, by function. */
const LINES: Readonly<Record<string, number>> = {
  __proc_create: 429,
  __xlate_proc_name: 175,
  proc_register: 400,
  remove_proc_entry: 734,
};

interface Spot {
  readonly parent: ProcDirectory;
  readonly name: string;
}

/** Where a node that a module made is, and its struct proc_dir_entry. */
interface Place extends Spot {
  readonly entry: Ptr;
}

/**
 * The tree of /proc (fs/proc/generic.c): each entry that a module makes has a struct proc_dir_entry, which the
 * module only passes back, and a node in the file tree.
 */
export class ProcFs implements Subsystem {
  readonly exports = {};

  /** Files with operations of a module, and whatever its code made. */
  *holds(): Generator<Holding> {
    const type = this.k.struct('proc_dir_entry');
    for (const [entry, node] of this.nodes) {
      if (!this.parents.has(node)) continue;
      yield {
        kind: node instanceof ProcDirectory ? '/proc directory' : '/proc file',
        at: entry,
        uses: ['proc_ops', 'seq_ops', 'write'].map((member) => type.get(entry, member)),
        name: () => this.pathOf(node),
      };
    }
  }

  private pathOf(node: FileNode): string {
    const place = this.parents.get(node);
    return place === undefined ? '/proc' : `${this.pathOf(place.parent)}/${place.name}`;
  }
  readonly root: ProcDirectory;
  private readonly nodes = new Map<Ptr, FileNode>();
  private readonly parents = new Map<FileNode, Place>();

  constructor(private readonly k: LinuxKernel) {
    const entry = k.permanent(k.sizeOf('proc_dir_entry'));
    this.root = new ProcDirectory('/proc', 0o555, undefined, entry);
    this.nodes.set(entry, this.root);
  }

  /** The node of a struct proc_dir_entry; NULL is /proc itself. */
  directory(entry: Ptr): ProcDirectory {
    const node = entry === 0 ? this.root : this.nodes.get(entry);
    if (!(node instanceof ProcDirectory)) throw noSuchObject(this.k.space, entry, 'directory of /proc');
    return node;
  }

  /** The struct proc_dir_entry of everything that modules made. */
  entries(): Iterable<Ptr> {
    return this.nodes.keys();
  }

  nodeOf(entry: Ptr): FileNode | undefined {
    return this.nodes.get(entry);
  }

  /** A file of the base kernel's own, at a path below /proc. */
  addText(path: string, source: TextSource, mode = source.write ? 0o644 : 0o444): ProcFile {
    const { parent, name } = this.parentOf(path);
    const file = new ProcFile(name, mode, parent, 0, () => new TextServer(this.k, source));
    parent.attach(name, file);
    return file;
  }

  /** A directory of the base kernel's own, made with those above it where they are missing. */
  addDirectory(path: string): ProcDirectory {
    let at = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const known = at.lookup(name);
      if (known instanceof ProcDirectory) at = known;
      else {
        const made = new ProcDirectory(name, 0o555, at, this.allocate(name, S_IFDIR | 0o555, at, 0, true));
        at.attach(name, made);
        this.nodes.set(made.entry, made);
        at = made;
      }
    }
    return at;
  }

  /** Creates a regular file for a module: its proc_dir_entry, 0 with a warning when that cannot be. */
  createFile(name: Ptr, mode: number, parentEntry: Ptr, data: Ptr, opener: (entry: Ptr) => ProcOpener): Ptr {
    const place = this.place(this.k.space.cstring(name), parentEntry, 'proc_create_reg');
    if (!place) return 0;
    const permissions = (mode & 0o7777) === 0 ? 0o444 : mode & 0o7777;
    const entry = this.allocate(place.name, S_IFREG | permissions, place.parent, data, false);
    const file = new ProcFile(
      place.name,
      permissions,
      place.parent,
      entry,
      this.withData(data, opener(entry)),
    );
    return this.register(entry, file, place.parent, place.name);
  }

  /** What pde_data() reads, which newer kernels have inline. */
  private withData(data: Ptr, opener: ProcOpener): ProcOpener {
    return (open, inode) => {
      this.k.struct('inode').set(inode, 'i_private', data);
      return opener(open, inode);
    };
  }

  createDirectory(name: Ptr, mode: number, parentEntry: Ptr, data: Ptr): Ptr {
    const place = this.place(this.k.space.cstring(name), parentEntry, '_proc_mkdir');
    if (!place) return 0;
    const permissions = mode === 0 ? 0o555 : mode & 0o7777;
    const entry = this.allocate(place.name, S_IFDIR | permissions, place.parent, data, false);
    const directory = new ProcDirectory(place.name, permissions, place.parent, entry);
    return this.register(entry, directory, place.parent, place.name);
  }

  createSymlink(name: Ptr, parentEntry: Ptr, target: Ptr): Ptr {
    const place = this.place(this.k.space.cstring(name), parentEntry, 'proc_symlink');
    if (!place) return 0;
    const entry = this.allocate(place.name, S_IFLNK | 0o777, place.parent, 0, false);
    const link = new SymlinkNode(this.k.space.cstring(target));
    return this.register(entry, link, place.parent, place.name);
  }

  /** remove_proc_entry() */
  *removeEntry(name: Ptr, parentEntry: Ptr): Sleepable<void> {
    const place = this.find(this.k.space.cstring(name), parentEntry);
    const node = place?.parent.lookup(place.name);
    if (!place || !node) {
      this.complain(`name '${this.k.space.cstring(name)}'`, 'remove_proc_entry');
      return;
    }
    if (node instanceof ProcDirectory && node.names().length > 0) {
      this.complain(
        `remove_proc_entry: removing non-empty directory '${place.parent.name}/${node.name}', leaking at least '${node.names()[0]}'`,
        'remove_proc_entry',
      );
    }
    yield* this.drop(node, place.parent, place.name);
  }

  /** remove_proc_subtree() */
  *removeSubtree(name: Ptr, parentEntry: Ptr): Sleepable<number> {
    const text = this.k.space.cstring(name);
    const place = this.find(text, parentEntry);
    const node = place?.parent.lookup(place.name);
    if (!place || !node) {
      this.complain(`name '${text}'`, 'remove_proc_subtree');
      return -ENOENT;
    }
    yield* this.dropAll(node, place.parent, place.name);
    return 0;
  }

  /** proc_remove() */
  *remove(entry: Ptr): Sleepable<void> {
    const node = this.nodes.get(entry);
    const place = node && this.parents.get(node);
    if (node && place) yield* this.dropAll(node, place.parent, place.name);
  }

  private *dropAll(node: FileNode, parent: ProcDirectory, name: string): Sleepable<void> {
    if (node instanceof ProcDirectory)
      for (const child of node.names()) yield* this.dropAll(node.lookup(child)!, node, child);
    yield* this.drop(node, parent, name);
  }

  /** Takes an entry out of the tree and cuts off those who have it open (proc_entry_rundown). */
  private *drop(node: FileNode, parent: ProcDirectory, name: string): Sleepable<void> {
    if (node instanceof ProcDirectory) for (const child of node.names()) node.detach(child);
    parent.detach(name);
    const place = this.parents.get(node);
    this.parents.delete(node);
    if (node instanceof ProcFile) {
      node.removed = true;
      for (const open of node.openers) {
        const { server } = open;
        open.server = CUT_OFF;
        if (server.release) yield* this.k.wait(server.release(open));
      }
      node.openers.clear();
    }
    if (place === undefined) return;
    this.nodes.delete(place.entry);
    this.k.slab.free(place.entry);
    this.k.budget.give(RECORD_OF_HOST_BYTES);
  }

  private register(entry: Ptr, node: FileNode, parent: ProcDirectory, name: string): Ptr {
    if (!this.k.budget.take(RECORD_OF_HOST_BYTES)) {
      this.k.slab.free(entry);
      return 0;
    }
    if (parent.attach(name, node) !== 0) {
      this.complain(`proc_dir_entry '${parent.name}/${name}' already registered`, 'proc_register');
      this.k.slab.free(entry);
      this.k.budget.give(RECORD_OF_HOST_BYTES);
      return 0;
    }
    this.nodes.set(entry, node);
    this.parents.set(node, { parent, name, entry });
    if (node instanceof ProcDirectory) parent.links++;
    return entry;
  }

  private allocate(name: string, mode: number, parent: ProcDirectory, data: Ptr, permanent: boolean): Ptr {
    const { k } = this;
    const type = k.struct('proc_dir_entry');
    const bytes = type.offsetOf('inline_name') + name.length + 1;
    const entry = permanent ? k.permanent(bytes) : k.slab.allocateBytes(Math.max(bytes, type.size), true);
    const inline = type.addr(entry, 'inline_name');
    k.space.storeCstring(inline, name);
    type.set(entry, 'name', inline);
    type.set(entry, 'namelen', name.length & 0xff);
    type.set(entry, 'mode', mode);
    type.set(entry, 'nlink', (mode & S_IFDIR) === S_IFDIR ? 2 : 1);
    type.set(entry, 'refcnt.refs.counter', 1);
    type.set(entry, 'parent', parent.entry);
    type.set(entry, 'data', data);
    return entry;
  }

  /** Where a new entry goes. Undefined, with the kernel's warning, for names that cannot be. */
  private place(path: string, parentEntry: Ptr, caller: string): Spot | undefined {
    const place = this.find(path, parentEntry);
    if (!place) {
      this.complain(`name '${path}'`, '__xlate_proc_name');
      return undefined;
    }
    const { name, parent } = place;
    if (name.length === 0 || name.length >= 256) {
      this.complain(`name len ${name.length}`, '__proc_create');
      return undefined;
    }
    if (name === '.' || name === '..') {
      this.complain(`name '${name}'`, caller);
      return undefined;
    }
    if (parent === this.root && /^(0|[1-9][0-9]{0,9})$/.test(name)) {
      this.complain(`create '/proc/${name}' by hand`, caller);
      return undefined;
    }
    return place;
  }

  /** xlate_proc_name(): walks the directories of a path such as `driver/rtc`. */
  private find(path: string, parentEntry: Ptr): Spot | undefined {
    let parent = this.directory(parentEntry);
    const names = path.split('/');
    const name = names.pop() ?? '';
    for (const part of names) {
      const next = parent.lookup(part);
      if (!(next instanceof ProcDirectory)) return undefined;
      parent = next;
    }
    return { parent, name };
  }

  private parentOf(path: string): Spot {
    const cut = path.lastIndexOf('/');
    return { parent: this.addDirectory(path.slice(0, Math.max(cut, 0))), name: path.slice(cut + 1) };
  }

  private complain(message: string, caller: string): void {
    warn(this.k, message, caller in LINES ? `${SOURCE}:${LINES[caller]}` : SOURCE, caller);
  }
}

interface Place {
  readonly parent: ProcDirectory;
  readonly name: string;
}

/** What is left of an open file whose entry was removed. */
const CUT_OFF: FileServer = {
  canRead: () => true,
  canWrite: () => true,
  read: () => -EIO,
  write: () => -EIO,
  seek: (_open: OpenFile) => -EINVAL,
  ioctl: () => -EIO,
};
