import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { procOperations } from '../guest-ops.js';
import { VfsObjects } from '../objects.js';
import type { FileServer, OpenFile } from '../open-file.js';
import { ProcFile, type ProcOpener } from './node.js';
import { ProcFs } from './procfs.js';
import { ProcGuestServer, ProcSeqServer } from './servers.js';

/** Functions by which modules make and remove /proc entries (fs/proc/generic.c, fs/proc/proc_net.c). */
export class ProcExports implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    proc_create: (name: Ptr, mode: number, parent: Ptr, operations: Ptr) =>
      this.createData(name, mode, parent, operations, 0),
    proc_create_data: (name: Ptr, mode: number, parent: Ptr, operations: Ptr, data: Ptr) =>
      this.createData(name, mode, parent, operations, data),
    proc_create_seq_private: (
      name: Ptr,
      mode: number,
      parent: Ptr,
      operations: Ptr,
      stateSize: number,
      data: Ptr,
    ) => this.createSeq(name, mode, parent, operations, stateSize, data, 'plain', 0),
    proc_create_single_data: (name: Ptr, mode: number, parent: Ptr, show: Ptr, data: Ptr) =>
      this.createSingle(name, mode, parent, show, data, 'plain', 0),
    proc_create_net_data: (
      name: Ptr,
      mode: number,
      parent: Ptr,
      operations: Ptr,
      stateSize: number,
      data: Ptr,
    ) => this.createSeq(name, mode, parent, operations, stateSize, data, 'net', 0),
    proc_create_net_data_write: (
      name: Ptr,
      mode: number,
      parent: Ptr,
      operations: Ptr,
      write: Ptr,
      stateSize: number,
      data: Ptr,
    ) => this.createSeq(name, mode, parent, operations, stateSize, data, 'net', write),
    proc_create_net_single: (name: Ptr, mode: number, parent: Ptr, show: Ptr, data: Ptr) =>
      this.createSingle(name, mode, parent, show, data, 'net', 0),
    proc_create_net_single_write: (name: Ptr, mode: number, parent: Ptr, show: Ptr, write: Ptr, data: Ptr) =>
      this.createSingle(name, mode, parent, show, data, 'net', write),
    proc_mkdir: (name: Ptr, parent: Ptr) => this.tree.createDirectory(name, 0, parent, 0),
    proc_mkdir_mode: (name: Ptr, mode: number, parent: Ptr) =>
      this.tree.createDirectory(name, mode, parent, 0),
    proc_mkdir_data: (name: Ptr, mode: number, parent: Ptr, data: Ptr) =>
      this.tree.createDirectory(name, mode, parent, data),
    _proc_mkdir: (name: Ptr, mode: number, parent: Ptr, data: Ptr) =>
      this.tree.createDirectory(name, mode, parent, data),
    proc_create_mount_point: (name: Ptr) => this.tree.createDirectory(name, 0, 0, 0),
    proc_symlink: (name: Ptr, parent: Ptr, target: Ptr) => this.tree.createSymlink(name, parent, target),
    remove_proc_entry: (name: Ptr, parent: Ptr) => this.tree.removeEntry(name, parent),
    remove_proc_subtree: (name: Ptr, parent: Ptr) => this.tree.removeSubtree(name, parent),
    proc_remove: (entry: Ptr) => this.remove(entry),
    proc_set_size: (entry: Ptr, size: number) => {
      this.k.struct('proc_dir_entry').set(entry, 'size', size);
      const node = this.tree.nodeOf(entry);
      if (node instanceof ProcFile) node.size = size;
    },
    proc_set_user: (entry: Ptr, uid: number, gid: number) => {
      const node = this.tree.nodeOf(entry);
      if (!node) return;
      node.uid = uid;
      node.gid = gid;
    },
    proc_get_parent_data: (inode: Ptr) => this.parentData(inode),
  };

  private get tree(): ProcFs {
    return this.k.get(ProcFs);
  }

  private createData(name: Ptr, mode: number, parent: Ptr, operations: Ptr, data: Ptr): Ptr {
    const entry = this.tree.createFile(name, mode, parent, data, () => this.openerOf(operations));
    if (entry !== 0) this.k.struct('proc_dir_entry').set(entry, 'proc_ops', operations);
    return entry;
  }

  /** proc_reg_open(): the module's own proc_ops. */
  private openerOf(operations: Ptr): ProcOpener {
    const { k } = this;
    const table = procOperations(k, operations);
    return function* (open: OpenFile, inode: Ptr): Sleepable<FileServer | number> {
      const result = table.get('open') === 0 ? 0 : yield* table.call('open', inode, open.file);
      return result === 0 ? new ProcGuestServer(k, table) : result;
    };
  }

  private createSeq(
    name: Ptr,
    mode: number,
    parent: Ptr,
    operations: Ptr,
    stateSize: number,
    data: Ptr,
    kind: 'plain' | 'net',
    write: Ptr,
  ): Ptr {
    const { k } = this;
    const entry = this.tree.createFile(name, mode, parent, data, () => (open) => {
      const server = new ProcSeqServer(k, write);
      const error = server.openSeq(open, operations, stateSize, kind === 'net');
      return error === 0 ? server : error;
    });
    if (entry === 0) return 0;
    const type = k.struct('proc_dir_entry');
    type.set(entry, 'seq_ops', operations);
    type.set(entry, 'state_size', stateSize);
    type.set(entry, 'write', write);
    return entry;
  }

  private createSingle(
    name: Ptr,
    mode: number,
    parent: Ptr,
    show: Ptr,
    data: Ptr,
    kind: 'plain' | 'net',
    write: Ptr,
  ): Ptr {
    const { k } = this;
    const entry = this.tree.createFile(name, mode, parent, data, () => (open) => {
      const server = new ProcSeqServer(k, write);
      const error = server.openSingle(open, show, kind === 'net' ? k.symbol('init_net') : data);
      return error === 0 ? server : error;
    });
    if (entry === 0) return 0;
    k.struct('proc_dir_entry').set(entry, 'single_show', show);
    k.struct('proc_dir_entry').set(entry, 'write', write);
    return entry;
  }

  private *remove(entry: Ptr): Sleepable<void> {
    if (entry !== 0) yield* this.tree.remove(entry);
  }

  private parentData(inode: Ptr): Ptr {
    const node = this.k.get(VfsObjects).nodeOf(inode);
    if (!(node instanceof ProcFile)) return 0;
    return this.k.struct('proc_dir_entry').get(node.parent.entry, 'data');
  }
}
