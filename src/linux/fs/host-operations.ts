import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { Unimplemented } from '../../kernel/errors.js';
import { DirectoryNode, type FileNode } from '../../kernel/files/index.js';
import { withLocals } from '../../kernel/task/locals.js';
import { EBADF, EINVAL, ENOTDIR } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { modeOf, VfsObjects } from './objects.js';
import type { OpenFile } from './open-file.js';
import { OpenFiles } from './open-files.js';

/**
 * The struct file_operations of files and directories that the base kernel itself serves: what modules find in
 * f_op of a file that they opened by its path, and call.
 */
export class HostOperations implements Subsystem {
  private readonly tables = new Map<'file' | 'directory', Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    iterate_dir: (file: Ptr, context: Ptr) => this.iterateAny(file, context),
  };

  /** Gives a file that was just made the operations of its node; not one whose file system is a module's. */
  attach(open: OpenFile): void {
    const { k } = this;
    if (!open.node || k.get(VfsObjects).of(open.node) === undefined) return;
    const table = this.tableOf(open.node);
    const files = k.struct('file');
    files.set(open.file, 'f_op', table);
    k.struct('inode').set(files.get(open.file, 'f_inode'), 'i_fop', table);
  }

  private tableOf(node: FileNode): Ptr {
    const kind = node instanceof DirectoryNode ? 'directory' : 'file';
    let table = this.tables.get(kind);
    if (table === undefined) {
      table = kind === 'directory' ? this.directories() : this.files();
      this.tables.set(kind, table);
    }
    return table;
  }

  private files(): Ptr {
    const type = this.k.struct('file_operations');
    const table = this.seekable();
    for (const kind of ['read', 'write'] as const)
      type.bind(table, kind, `vfs_file_${kind}`, (file: Ptr, buffer: Ptr, count: number, at: Ptr) =>
        this.transfer(kind, file, buffer, count, at),
      );
    return table;
  }

  private directories(): Ptr {
    const table = this.seekable();
    this.k
      .struct('file_operations')
      .bind(table, 'iterate_shared', 'vfs_readdir', (file: Ptr, context: Ptr) => this.iterate(file, context));
    return table;
  }

  private seekable(): Ptr {
    const type = this.k.struct('file_operations');
    const table = this.k.permanent(type.size);
    type.bind(table, 'llseek', 'vfs_file_llseek', (file: Ptr, to: number, whence: number) =>
      this.k.get(OpenFiles).seek(file, to, whence),
    );
    return table;
  }

  private *transfer(
    kind: 'read' | 'write',
    file: Ptr,
    buffer: Ptr,
    count: number,
    at: Ptr,
  ): Sleepable<number> {
    const { k } = this;
    const open = k.get(OpenFiles).of(file);
    if (!open) return -EBADF;
    const allowed = kind === 'read' ? open.server.canRead(open) : open.server.canWrite(open);
    if (!allowed) return -EINVAL;
    return yield* k.get(OpenFiles).transfer(kind, open, buffer, count, at, 'user');
  }

  private *iterateAny(file: Ptr, context: Ptr): Sleepable<number> {
    const { k } = this;
    const open = k.get(OpenFiles).of(file);
    if (!(open?.node instanceof DirectoryNode)) return -ENOTDIR;
    const table = k.struct('file').get(file, 'f_op');
    if (table === 0) throw new Unimplemented('iterate_dir of a directory that a module serves', '');
    const files = k.struct('file');
    const contexts = k.struct('dir_context');
    contexts.set(context, 'pos', files.get(file, 'f_pos'));
    const result = yield* k.struct('file_operations').call(table, 'iterate_shared', file, context);
    files.set(file, 'f_pos', contexts.get(context, 'pos'));
    return result;
  }

  /** dir_emit() of what the directory has, from ctx->pos on, until the caller wants no more. */
  private *iterate(file: Ptr, context: Ptr): Sleepable<number> {
    const { k } = this;
    const node = k.get(OpenFiles).of(file)?.node;
    if (!(node instanceof DirectoryNode)) return -ENOTDIR;
    const names = node.list ? yield* node.list() : node.names();
    if (typeof names === 'number') return names;
    const entries = ['.', '..', ...names];
    const type = k.struct('dir_context');
    for (let at = type.get(context, 'pos'); at < entries.length; at++) {
      if (!(yield* this.emit(context, entries[at], at, node))) return 0;
      type.set(context, 'pos', at + 1);
    }
    return 0;
  }

  private *emit(context: Ptr, name: string, at: number, directory: DirectoryNode): Sleepable<boolean> {
    const { k } = this;
    const type = k.struct('dir_context');
    const node = name === '.' || name === '..' ? directory : (directory.lookup(name) ?? directory);
    const inode = k.get(VfsObjects).number(node);
    const FILE_TYPE_SHIFT = 12;
    const kind = modeOf(node) >>> FILE_TYPE_SHIFT;
    return yield* withLocals(k, name.length + 1, function* (text) {
      k.space.storeCstring(text, name);
      return (yield* type.call(context, 'actor', context, text, name.length, at, inode, kind)) !== 0;
    });
  }
}
