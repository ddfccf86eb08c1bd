import type { Ptr } from '../../../cpu/layout.js';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../../files/mode.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DirectoryNode, FileNode, SymlinkNode } from '../../../kernel/files/index.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { ENOENT, ENXIO, EPERM } from '../../errno.js';
import { isErr, ptrErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { RwSemaphores } from '../../locking/rwsem.js';
import { fileOperation, fileOperations, type OperationTable } from '../guest-ops.js';
import { GuestServer } from '../guest-server.js';
import type { NodeObjects } from '../objects.js';
import type { FileServer, OpenFile, ServedNode } from '../open-file.js';
import { OpenFiles } from '../open-files.js';
import { Dcache } from './dcache.js';
import { lookUpBelow } from './lookup.js';
import { PathWalks } from './path-walks.js';

/** The tree of a mounted file system of a module, as nodes of the file tree: views of its dentries. */
export class GuestTree {
  /** By what a dentry is: its memory may be another's later. */
  private readonly views = new WeakMap<object, FileNode>();

  constructor(
    readonly k: LinuxKernel,
    /** struct vfsmount. */
    readonly mount: Ptr,
  ) {}

  view(dentry: Ptr): FileNode {
    const identity = this.k.get(Dcache).identityOf(dentry);
    const known = identity && this.views.get(identity);
    if (known) return known;
    const made = this.make(dentry);
    if (identity) this.views.set(identity, made);
    return made;
  }

  forget(dentry: Ptr): void {
    const identity = this.k.get(Dcache).identityOf(dentry);
    if (identity) this.views.delete(identity);
  }

  objectsOf(dentry: Ptr): NodeObjects {
    const type = this.k.struct('dentry');
    return {
      inode: type.get(dentry, 'd_inode'),
      dentry,
      superBlock: type.get(dentry, 'd_sb'),
      mount: this.mount,
    };
  }

  private make(dentry: Ptr): FileNode {
    const inodes = this.k.struct('inode');
    const inode = this.k.get(Dcache).inodeOf(dentry);
    const mode = inodes.get(inode, 'i_mode');
    switch (mode & S_IFMT) {
      case S_IFDIR:
        return new GuestDirectory(this, dentry, mode & 0o7777);
      case S_IFLNK:
        return new SymlinkNode(() => inodes.string(inode, 'i_link'));
      default:
        return new GuestFile(this, dentry, mode & 0o7777);
    }
  }
}

class GuestDirectory extends DirectoryNode {
  readonly objects: NodeObjects;

  constructor(
    private readonly tree: GuestTree,
    private readonly dentry: Ptr,
    mode: number,
  ) {
    super(mode);
    this.objects = tree.objectsOf(dentry);
  }

  override lookup(name: string): FileNode | undefined {
    const dentry = this.cache.find(this.dentry, name);
    return dentry === 0 || this.cache.inodeOf(dentry) === 0 ? undefined : this.tree.view(dentry);
  }

  override names(): readonly string[] {
    return this.cache
      .childrenOf(this.dentry)
      .filter((child) => this.cache.inodeOf(child) !== 0)
      .map((child) => this.cache.nameOf(child));
  }

  override insert(): number {
    return -EPERM;
  }

  override remove(): number {
    return -EPERM;
  }

  override *find(name: string): Sleepable<FileNode | number | undefined> {
    const dentry = yield* lookUpBelow(this.tree.k, this.dentry, name);
    if (isErr(dentry)) return ptrErr(dentry);
    const view = this.cache.inodeOf(dentry) === 0 ? undefined : this.tree.view(dentry);
    yield* this.tree.k.get(PathWalks).hold(dentry);
    return view;
  }

  override *make(name: string, kind: 'file' | 'directory', mode: number): Sleepable<FileNode | number> {
    const { k } = this.tree;
    const operations = k.struct('inode_operations');
    const table = this.tableWith(kind === 'file' ? 'create' : 'mkdir');
    if (table === 0) return -EPERM;
    const dentry = yield* lookUpBelow(this.tree.k, this.dentry, name);
    if (isErr(dentry)) return ptrErr(dentry);
    const owner = k.symbol(k.hasSymbol('nop_mnt_idmap') ? 'nop_mnt_idmap' : 'init_user_ns');
    const { inode } = this.objects;
    yield* this.lock(inode);
    const error =
      kind === 'file'
        ? yield* operations.call(table, 'create', owner, inode, dentry, S_IFREG | mode, true)
        : yield* operations.call(table, 'mkdir', owner, inode, dentry, mode);
    this.unlock(inode);
    const view = error === 0 ? this.tree.view(dentry) : error;
    yield* k.get(PathWalks).hold(dentry);
    return view;
  }

  override *drop(name: string): Sleepable<number> {
    const { k } = this.tree;
    const found = yield* this.find(name);
    if (typeof found === 'number') return found;
    const dentry = this.cache.find(this.dentry, name);
    if (!found || dentry === 0) return -ENOENT;
    const operation = found instanceof DirectoryNode ? 'rmdir' : 'unlink';
    const table = this.tableWith(operation);
    if (table === 0) return -EPERM;
    this.cache.get(dentry);
    const victim = this.cache.inodeOf(dentry);
    yield* this.lock(this.objects.inode);
    yield* this.lock(victim);
    const error = yield* k.struct('inode_operations').call(table, operation, this.objects.inode, dentry);
    this.unlock(victim);
    this.unlock(this.objects.inode);
    if (error === 0) {
      yield* this.cache.delete(dentry);
      this.tree.forget(dentry);
    }
    yield* this.cache.put(dentry);
    return error;
  }

  override *list(): Sleepable<readonly string[] | number> {
    const { k } = this.tree;
    const table = k.struct('inode').get(this.objects.inode, 'i_fop');
    if (table === 0 || fileOperation(k, table, 'iterate_shared') === 0) return this.names();
    const open = k.get(OpenFiles).create(this, '/', 0, '');
    k.struct('file').set(open.file, 'f_op', k.get(OpenFiles).getOperations(table));
    const operations = fileOperations(k, open.file);
    const server = new GuestServer(k, operations);
    open.server = server;
    const opens = operations.get('open') !== 0;
    const error = opens ? yield* operations.call('open', this.objects.inode, open.file) : 0;
    if (error !== 0) {
      yield* k.get(OpenFiles).discard(open.file);
      return error;
    }
    const names = yield* this.iterate(operations, open.file);
    yield* k.get(OpenFiles).put(open.file);
    return names;
  }

  private get cache(): Dcache {
    return this.tree.k.get(Dcache);
  }

  /** inode_lock() */
  private *lock(inode: Ptr): Sleepable<void> {
    const { k } = this.tree;
    yield* k.get(RwSemaphores).downWrite(k.struct('inode').addr(inode, 'i_rwsem'));
  }

  private unlock(inode: Ptr): void {
    const { k } = this.tree;
    k.get(RwSemaphores).upWrite(k.struct('inode').addr(inode, 'i_rwsem'));
  }

  /** The directory's struct inode_operations, 0 if it lacks that one. */
  private tableWith(operation: string): Ptr {
    const { k } = this.tree;
    const table = k.struct('inode').get(this.objects.inode, 'i_op');
    return table === 0 || k.struct('inode_operations').get(table, operation) === 0 ? 0 : table;
  }

  /** Calls ->iterate_shared until it has nothing more to say. */
  private *iterate(operations: OperationTable, file: Ptr): Sleepable<readonly string[] | number> {
    const { k } = this.tree;
    const type = k.struct('dir_context');
    const files = k.struct('file');
    return yield* withLocals(k, type.size, function* (context): Sleepable<readonly string[] | number> {
      const names: string[] = [];
      type.bind(context, 'actor', 'filldir64', (at: Ptr, name: Ptr, length: number) => {
        listings.get(at)?.push(k.space.cstring(name, length));
        return true;
      });
      listings.set(context, names);
      for (let before = -1; before !== names.length; ) {
        before = names.length;
        // A file system may count in hashes of names: all 64 bits.
        type.setBig(context, 'pos', files.getBig(file, 'f_pos'));
        const error = yield* operations.call('iterate_shared', file, context);
        files.setBig(file, 'f_pos', type.getBig(context, 'pos'));
        if (error < 0) return error;
      }
      return names.filter((name) => name !== '.' && name !== '..');
    });
  }
}

/** Listings under way, by their dir_context. The actor is given each name, and wants more. */
const listings = new Map<Ptr, string[]>();

class GuestFile extends FileNode implements ServedNode {
  override readonly kind = 'file';
  readonly objects: NodeObjects;

  constructor(
    private readonly tree: GuestTree,
    dentry: Ptr,
    mode: number,
  ) {
    super(mode);
    this.objects = tree.objectsOf(dentry);
  }

  override get size(): number {
    return this.tree.k.struct('inode').get(this.objects.inode, 'i_size');
  }

  *openFile(open: OpenFile, inode: Ptr): Sleepable<FileServer | number> {
    const { k } = this.tree;
    const table = k.get(OpenFiles).getOperations(k.struct('inode').get(inode, 'i_fop'));
    if (table === 0) return -ENXIO;
    k.struct('file').set(open.file, 'f_op', table);
    const operations = fileOperations(k, open.file);
    const result = operations.get('open') === 0 ? 0 : yield* operations.call('open', inode, open.file);
    return result === 0 ? new GuestServer(k, operations) : result;
  }
}
