import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { DirectoryNode, MemoryDirectory, type Mount } from '../../kernel/files/index.js';
import { EINVAL, ENODEV, ENOTBLK, ENOTDIR } from '../errno.js';
import { isErr, ptrErr } from '../errors.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { DebugFs } from './debugfs/debugfs.js';
import { DeviceNodes } from './devices/device-nodes.js';
import { FileSystems, FS_REQUIRES_DEV } from './file-systems.js';
import { GuestMounts } from './guest/mounting.js';
import { GuestTree } from './guest/nodes.js';
import { ProcFs } from './proc/procfs.js';
import { SysfsNodes } from './sysfs-mount.js';

/** Flags of mount(2) and what vfsmount.mnt_flags has for them (include/uapi/linux/mount.h, include/linux/mount.h). */
const FLAGS: readonly (readonly [ms: number, mnt: number])[] = [
  [1 << 0, 0x40],
  [1 << 1, 0x01],
  [1 << 2, 0x02],
  [1 << 3, 0x04],
  [1 << 8, 0x80],
  [1 << 10, 0x08],
  [1 << 11, 0x10],
];
const MS_NOATIME = 1 << 10;
const MS_STRICTATIME = 1 << 24;
const MNT_RELATIME = 0x20;

/** What path_mount() makes of the flags of mount(2). */
function mountFlags(flags: number): number {
  const relative = (flags & (MS_NOATIME | MS_STRICTATIME)) === 0 ? MNT_RELATIME : 0;
  return FLAGS.reduce((all, [ms, mnt]) => ((flags & ms) !== 0 ? all | mnt : all), relative);
}

/** mount(2) and umount(2): the base kernel's file systems and those of modules. */
export class MountCalls implements Subsystem {
  readonly exports = {};
  /** struct vfsmount of what modules' file systems have mounted. */
  private readonly guests = new Map<Mount, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  *mount(type: string, source: string, target: string, flags = 0, data = ''): Sleepable<number> {
    const { files } = this.k;
    const location = yield* files.resolve(target);
    if (typeof location === 'number') return location;
    if (!(location.node instanceof DirectoryNode)) return -ENOTDIR;
    const own = this.ownRoot(type);
    const guest = own ? undefined : yield* this.guestMount(type, source, flags, data);
    if (typeof guest === 'number' && guest < 0) return guest;
    const root = own ?? this.rootOf(guest ?? 0);
    if (!root) return -EINVAL;
    const mount = { type, source, target: location.path, root, options: data || 'rw,relatime' };
    files.mount(mount, location.node);
    if (guest !== undefined) this.guests.set(mount, guest);
    return 0;
  }

  *umount(target: string): Sleepable<number> {
    const location = yield* this.k.files.resolve(target);
    if (typeof location === 'number') return location;
    const mount = this.k.files.unmount(location.path);
    if (typeof mount === 'number') return mount;
    const guest = this.guests.get(mount);
    this.guests.delete(mount);
    if (guest !== undefined) yield* this.k.get(GuestMounts).put(guest);
    return 0;
  }

  private ownRoot(type: string): DirectoryNode | undefined {
    const { k } = this;
    switch (type) {
      case 'proc':
        return k.get(ProcFs).root;
      case 'sysfs':
        return new SysfsNodes(k).root;
      case 'devtmpfs':
        return k.get(DeviceNodes).root;
      case 'debugfs':
        return k.get(DebugFs).root;
      case 'tmpfs':
      case 'ramfs':
        return new MemoryDirectory(type === 'tmpfs' ? 0o1777 : 0o755);
      default:
        return undefined;
    }
  }

  /** A vfsmount of a module's file system, which is loaded first if need be; a negative error number. */
  private *guestMount(type: string, source: string, flags: number, data: string): Sleepable<number> {
    const { k } = this;
    const known = k.get(FileSystems);
    const request = k.get(Modules).requestModule;
    if (known.find(type) === 0 && request) yield* request(`fs-${type}`);
    const kind = known.find(type);
    if (kind === 0) return -ENODEV;
    if (!k.native && (k.struct('file_system_type').get(kind, 'fs_flags') & FS_REQUIRES_DEV) !== 0)
      return -ENOTBLK;
    const options = data === '' ? 0 : k.slab.allocateBytes(data.length + 1, false);
    if (options !== 0) k.space.storeCstring(options, data);
    const mount = yield* k.get(GuestMounts).mount(kind, flags, source, options);
    if (options !== 0) k.slab.free(options);
    if (isErr(mount)) return ptrErr(mount);
    k.struct('vfsmount').set(mount, 'mnt_flags', mountFlags(flags));
    return mount;
  }

  private rootOf(mount: Ptr): DirectoryNode | undefined {
    const root = this.k.struct('vfsmount').get(mount, 'mnt_root');
    const view = new GuestTree(this.k, mount).view(root);
    return view instanceof DirectoryNode ? view : undefined;
  }
}
