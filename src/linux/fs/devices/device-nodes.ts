import { DeviceNode, DirectoryNode, MemoryDirectory } from '../../../kernel/files/index.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { MAJOR, MINOR } from '../flags.js';

/**
 * devtmpfs: the file system on /dev in which the kernel makes a node for every device that has a number
 * (drivers/base/devtmpfs.c). The driver core calls it when devices come and go.
 */
export class DeviceNodes implements Subsystem {
  readonly exports = {};
  readonly root = new MemoryDirectory(0o755);

  constructor(readonly k: LinuxKernel) {}

  /** Makes a node; `name` may have directories in it (`input/event0`), which are made as needed. */
  createNode(name: string, mode: number, device: number, isBlock: boolean): number {
    const { directory, last } = this.place(name);
    const permissions = (mode & 0o7777) === 0 ? 0o600 : mode & 0o7777;
    return directory.insert(
      last,
      new DeviceNode(isBlock ? 'block' : 'character', permissions, MAJOR(device), MINOR(device)),
    );
  }

  /** Removes the node if it still is the one that was made for the device; empty directories go too. */
  deleteNode(name: string, device: number): void {
    const { directory, last } = this.place(name);
    const node = directory.lookup(last);
    if (!(node instanceof DeviceNode) || node.major !== MAJOR(device) || node.minor !== MINOR(device)) return;
    directory.remove(last);
    const parts = name.split('/');
    for (let depth = parts.length - 1; depth > 0; depth--) {
      const { directory: above, last: child } = this.place(parts.slice(0, depth).join('/'));
      const below = above.lookup(child);
      if (!(below instanceof DirectoryNode) || below.names().length > 0) break;
      above.remove(child);
    }
  }

  private place(name: string): { directory: MemoryDirectory; last: string } {
    const parts = name.split('/').filter((part) => part !== '');
    let directory = this.root;
    for (const part of parts.slice(0, -1)) directory = directory.subdirectory(part);
    return { directory, last: parts[parts.length - 1] };
  }
}
