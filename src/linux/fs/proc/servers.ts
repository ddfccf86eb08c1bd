import { PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GFP_KERNEL } from '../../abi/gfp.js';
import { EFAULT, EINVAL, EIO, ENOMEM, ENOTTY } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { type OperationTable, procOperations } from '../guest-ops.js';
import { GuestServer } from '../guest-server.js';
import type { FileServer, OpenFile } from '../open-file.js';
import { SeqFiles } from '../seq/seq-file.js';
import { SingleFiles } from '../seq/seq-single.js';
import type { Slice } from '../slice.js';
import { ProcFile } from './node.js';

function closed(open: OpenFile): void {
  if (open.node instanceof ProcFile) open.node.openers.delete(open);
}

/** An open file of a module's proc_ops (fs/proc/inode.c): what is missing there gives -EIO. */
export class ProcGuestServer extends GuestServer {
  constructor(
    k: LinuxKernel,
    private readonly table: OperationTable,
  ) {
    super(k, table);
  }

  override canRead(): boolean {
    return true;
  }

  override canWrite(): boolean {
    return true;
  }

  override *read(open: OpenFile, to: Slice): Sleepable<number> {
    return super.canRead() ? yield* super.read(open, to) : -EIO;
  }

  override *write(open: OpenFile, from: Slice): Sleepable<number> {
    return this.table.get('write') === 0 ? -EIO : yield* super.write(open, from);
  }

  override *ioctl(open: OpenFile, command: number, arg: bigint): Sleepable<number> {
    if (this.table.get('ioctl') === 0) return -ENOTTY;
    return yield* super.ioctl(open, command, arg);
  }

  override *release(open: OpenFile): Sleepable<void> {
    closed(open);
    yield* super.release(open);
  }
}

/** proc_seq_ops: the struct proc_ops of files that are read record by record. */
class SeqOperations implements Subsystem {
  readonly exports = {};
  readonly table: Ptr;

  constructor(k: LinuxKernel) {
    const type = k.struct('proc_ops');
    this.table = k.permanent(type.size);
    type.set(this.table, 'proc_read_iter', k.fn('seq_read_iter'));
    type.set(this.table, 'proc_read', k.fn('seq_read'));
    type.set(this.table, 'proc_lseek', k.fn('seq_lseek'));
  }
}

/** An open file of proc_create_seq, proc_create_single and their net variants: a seq_file of its own. */
export class ProcSeqServer implements FileServer {
  private releaseSeq: (file: Ptr) => void = () => {};
  private readonly server: GuestServer;

  constructor(
    private readonly k: LinuxKernel,
    private readonly writeFunction: Ptr,
  ) {
    this.server = new GuestServer(k, procOperations(k, k.get(SeqOperations).table));
  }

  openSeq(open: OpenFile, operations: Ptr, stateSize: number, net: boolean): number {
    const { k } = this;
    const seq = k.get(SeqFiles);
    if (stateSize === 0 && !net) {
      this.releaseSeq = (file) => void seq.release(file);
      return seq.open(open.file, operations);
    }
    const state = seq.openPrivate(open.file, operations, stateSize);
    if (state === 0) return -ENOMEM;
    if (net) k.struct('seq_net_private').set(state, 'net', k.symbol('init_net'));
    this.releaseSeq = (file) => {
      k.slab.free(state);
      seq.release(file);
    };
    return 0;
  }

  openSingle(open: OpenFile, show: Ptr, data: Ptr): number {
    const single = this.k.get(SingleFiles);
    this.releaseSeq = (file) => void single.release(file);
    return single.open(open.file, show, data);
  }

  canRead(): boolean {
    return true;
  }

  canWrite(): boolean {
    return true;
  }

  read(open: OpenFile, to: Slice): Sleepable<number> {
    return this.server.read(open, to);
  }

  /** proc_simple_write(): what is written goes to the function with a NUL behind it. */
  *write(open: OpenFile, from: Slice): Sleepable<number> {
    if (this.writeFunction === 0) return -EIO;
    const { k } = this;
    const { count } = from;
    if (count === 0 || count >= PAGE_SIZE) return -EINVAL;
    const bytes = from.take();
    if (!bytes) return -EFAULT;
    const text = k.kmalloc(count + 1, GFP_KERNEL);
    if (text === 0) return -ENOMEM;
    k.space.writable(text, count + 1).set([...bytes, 0]);
    const result = yield* k.callAs('proc_write_t', this.writeFunction, open.file, text, count);
    k.slab.free(text);
    return result === 0 ? count : result;
  }

  seek(open: OpenFile, offset: number, whence: number): Sleepable<number> {
    return this.server.seek(open, offset, whence);
  }

  release(open: OpenFile): void {
    closed(open);
    this.releaseSeq(open.file);
  }
}
