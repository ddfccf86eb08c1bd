import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DeviceNode } from '../../kernel/files/index.js';
import { MKDEV } from '../abi/device-number.js';
import { ENOENT, ENOTBLK, ENXIO } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { fileOperations } from './guest-ops.js';
import { GuestServer } from './guest-server.js';
import type { FileServer, OpenFile } from './open-file.js';

/** Block devices by their paths, and opening them (block/bdev.c, block/fops.c). */
export class BlockFiles implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    lookup_bdev: (path: Ptr, device: Ptr) => this.lookUp(this.k.space.cstring(path), device),
  };

  private *lookUp(path: string, device: Ptr): Sleepable<number> {
    const { files, space } = this.k;
    const location = yield* files.resolve(path);
    if (typeof location === 'number') return location;
    const { node } = location;
    if (!node) return -ENOENT;
    if (!(node instanceof DeviceNode) || node.kind !== 'block') return -ENOTBLK;
    space.store32(device, MKDEV(node.major, node.minor));
    return 0;
  }

  /** Opens a block device with the operations of the target's own code (def_blk_fops); -ENXIO where that does not run. */
  *open(open: OpenFile, inode: Ptr): Sleepable<FileServer | number> {
    const { k } = this;
    const table = k.addressOfNative('def_blk_fops');
    if (!k.native || table === undefined) return -ENXIO;
    k.struct('file').set(open.file, 'f_op', table);
    k.struct('inode').set(inode, 'i_fop', table);
    const operations = fileOperations(k, open.file);
    // No driver has brought the block layer in: no disk is there.
    if (operations.get('open') === 0) return -ENXIO;
    const result = yield* operations.call('open', inode, open.file);
    return result === 0 ? new GuestServer(k, operations) : result;
  }
}
