import { type DirectoryNode, MemoryDirectory } from '../../kernel/files/index.js';
import type { LinuxKernel } from '../kernel.js';
import { SysfsDirectory } from '../kobject/sysfs/node.js';
import { Sysfs } from '../kobject/sysfs/sysfs.js';
import type { Subsystem } from '../subsystem.js';
import { DebugFs } from './debugfs/debugfs.js';
import { DeviceNodes } from './devices/device-nodes.js';
import { ProcFs } from './proc/procfs.js';
import { SysfsNodes } from './sysfs-mount.js';

/** The file systems that every machine has mounted, as an init process would have left them. */
export class BootMounts implements Subsystem {
  readonly exports = {};

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    const { k } = this;
    this.mount('proc', '/proc', k.get(ProcFs).root);
    this.mount('sysfs', '/sys', new SysfsNodes(k).root);
    this.mount('devtmpfs', '/dev', k.get(DeviceNodes).root);
    this.sysfsMountPoint('/kernel/debug');
    this.mount('debugfs', '/sys/kernel/debug', k.get(DebugFs).root);
    this.mount('tmpfs', '/tmp', new MemoryDirectory(0o1777));
    this.mount('tmpfs', '/run', new MemoryDirectory(0o755));
  }

  /** Attaches a file system; its mount point in the root file system is made if it is not there. */
  mount(type: string, target: string, root: DirectoryNode): void {
    const { files } = this.k;
    const point = files.makeDirectories(target);
    files.mount({ type, source: type, target, root, options: 'rw,relatime' }, point);
  }

  /** An empty directory of /sys to mount on, made below one that is there already. */
  sysfsMountPoint(path: string): void {
    const sysfs = this.k.get(Sysfs);
    const cut = path.lastIndexOf('/');
    const parent = sysfs.root.find(path.slice(0, Math.max(cut, 0)));
    const name = path.slice(cut + 1);
    if (parent?.kind !== 'directory' || parent.children.has(name)) return;
    sysfs.add(new SysfsDirectory(name, parent, parent.kobj), parent);
  }
}
