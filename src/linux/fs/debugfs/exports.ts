import type { Ptr } from '../../../cpu/layout.js';
import { constant, nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { EIO, ENXIO } from '../../errno.js';
import { isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { fileOperations } from '../guest-ops.js';
import { GuestServer } from '../guest-server.js';
import type { FileServer, MaybeSleeps, OpenFile } from '../open-file.js';
import { OpenFiles } from '../open-files.js';
import { SimpleAttributes } from '../simple-attr.js';
import type { Slice } from '../slice.js';
import { DebugFs } from './debugfs.js';
import { DebugFile } from './node.js';

/** Functions by which modules fill debugfs (Documentation/filesystems/debugfs.rst). */
export class DebugFsExports implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    debugfs_initialized: constant(true),
    debugfs_create_dir: (name: Ptr, parent: Ptr) => this.tree.createDirectory(this.text(name), parent),
    debugfs_create_file: (name: Ptr, mode: number, parent: Ptr, data: Ptr, operations: Ptr) =>
      this.create(name, mode, parent, data, operations),
    debugfs_create_file_unsafe: (name: Ptr, mode: number, parent: Ptr, data: Ptr, operations: Ptr) =>
      this.create(name, mode, parent, data, operations),
    debugfs_create_file_size: (
      name: Ptr,
      mode: number,
      parent: Ptr,
      data: Ptr,
      operations: Ptr,
      size: number,
    ) => {
      this.create(name, mode, parent, data, operations, size);
    },
    debugfs_create_symlink: (name: Ptr, parent: Ptr, target: Ptr) =>
      this.tree.createSymlink(this.text(name), parent, this.text(target)),
    debugfs_remove: (dentry: Ptr) => {
      if (dentry !== 0 && !isErr(dentry)) this.tree.remove(dentry);
    },
    debugfs_lookup: (name: Ptr, parent: Ptr) =>
      isErr(parent) ? 0 : this.tree.lookUp(this.text(name), parent),
    debugfs_lookup_and_remove: (name: Ptr, parent: Ptr) => {
      const dentry = isErr(parent) ? 0 : this.tree.lookUp(this.text(name), parent);
      if (dentry !== 0) this.tree.remove(dentry);
    },
    debugfs_rename: (oldDirectory: Ptr, dentry: Ptr, newDirectory: Ptr, name: Ptr) =>
      this.tree.rename(oldDirectory, dentry, newDirectory, this.text(name)),
    debugfs_file_get: (dentry: Ptr) => (this.tree.isLive(dentry) ? 0 : -EIO),
    debugfs_file_put: nothing('files in use do not hold up their removal', undefined),
    debugfs_real_fops: (file: Ptr) => this.k.struct('file').get(file, 'f_op'),
    debugfs_attr_read: (file: Ptr, buffer: Ptr, count: number, position: Ptr) =>
      this.whileLive(file, () => this.k.get(SimpleAttributes).read(file, buffer, count, position)),
    debugfs_attr_write: (file: Ptr, buffer: Ptr, count: number, _position: Ptr) =>
      this.whileLive(file, () => this.k.get(SimpleAttributes).write(file, buffer, count, false)),
    debugfs_attr_write_signed: (file: Ptr, buffer: Ptr, count: number, _position: Ptr) =>
      this.whileLive(file, () => this.k.get(SimpleAttributes).write(file, buffer, count, true)),
  };

  private get tree(): DebugFs {
    return this.k.get(DebugFs);
  }

  private text(name: Ptr): string {
    return this.k.space.cstring(name);
  }

  private create(name: Ptr, mode: number, parent: Ptr, data: Ptr, operations: Ptr, size = 0): Ptr {
    const file = new DebugFile(mode & 0o7777, (open, inode) => this.open(open, inode, operations), size);
    return this.tree.createFile(this.text(name), parent, file, data, operations);
  }

  /** full_proxy_open() */
  private *open(open: OpenFile, inode: Ptr, operations: Ptr): Sleepable<FileServer | number> {
    const { k } = this;
    if (operations === 0) return new NoOperations(k);
    const table = k.get(OpenFiles).getOperations(operations);
    if (table === 0) {
      const name = open.path.slice(open.path.lastIndexOf('/') + 1);
      const message = `debugfs file owner did not clean up at exit: ${name}`;
      warn(k, message, 'fs/debugfs/file.c', 'full_proxy_open');
      return -ENXIO;
    }
    k.struct('file').set(open.file, 'f_op', table);
    const fops = fileOperations(k, open.file);
    const result = fops.get('open') === 0 ? 0 : yield* fops.call('open', inode, open.file);
    return result === 0 ? new DebugServer(k, open) : result;
  }

  private *whileLive(file: Ptr, body: () => Sleepable<number>): Sleepable<number> {
    const dentry = this.k.struct('file').get(file, 'f_path.dentry');
    return this.tree.isLive(dentry) ? yield* body() : -EIO;
  }
}

/** An open debugfs file of a module: after removal every operation but release gives -EIO. */
class DebugServer extends GuestServer {
  constructor(k: LinuxKernel, open: OpenFile) {
    super(k, fileOperations(k, open.file));
  }

  override *read(open: OpenFile, to: Slice): Sleepable<number> {
    return removed(open) ? -EIO : yield* super.read(open, to);
  }

  override *write(open: OpenFile, from: Slice): Sleepable<number> {
    return removed(open) ? -EIO : yield* super.write(open, from);
  }

  override *seek(open: OpenFile, offset: number, whence: number): Sleepable<number> {
    return removed(open) ? -EIO : yield* super.seek(open, offset, whence);
  }

  override *ioctl(open: OpenFile, command: number, arg: bigint): Sleepable<number> {
    return removed(open) ? -EIO : yield* super.ioctl(open, command, arg);
  }
}

function removed(open: OpenFile): boolean {
  return open.node instanceof DebugFile && open.node.removed;
}

/** debugfs_noop_file_operations: reads nothing, takes everything. */
class NoOperations implements FileServer {
  constructor(private readonly k: LinuxKernel) {}

  canRead(): boolean {
    return true;
  }

  canWrite(): boolean {
    return true;
  }

  read(): MaybeSleeps<number> {
    return 0;
  }

  write(_open: OpenFile, from: Slice): MaybeSleeps<number> {
    return from.count;
  }

  seek(open: OpenFile): MaybeSleeps<number> {
    return this.k.struct('file').get(open.file, 'f_pos');
  }
}
