import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { ENODEV } from '../../errno.js';
import { errPtr, isErr, ptrErr } from '../../errors.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { MountObjects } from '../mount-objects.js';
import { Dcache } from './dcache.js';
import { MountOptions } from './mount-options.js';
import { SB_BORN, SuperBlocks } from './super.js';

/** super_block.s_flags of a mount that the kernel makes for itself. */
const SB_KERNMOUNT = 1 << 22;
/** vfsmount.mnt_flags of such a one (include/linux/mount.h). */
const MNT_INTERNAL = 0x4000;

/** What a context holds of the task that mounts. */
const HELD = [
  {
    member: 'user_ns',
    object: 'init_user_ns',
    struct: 'user_namespace',
    count: 'ns.count.refs.counter',
  },
  { member: 'net_ns', object: 'init_net', struct: 'net', count: 'ns.count.refs.counter' },
  { member: 'cred', object: 'init_cred', struct: 'cred', count: 'usage.counter' },
] as const;

/** Mounting file systems that modules implement: fs_context and vfsmount (fs/fs_context.c, fs/namespace.c). */
export class GuestMounts implements Subsystem {
  private readonly mounts = new Set<Ptr>();
  /** Options of contexts whose file system has a mount function only, which is given them as they are. */
  private readonly legacyData = new Map<Ptr, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    kern_mount: (type: Ptr) => this.mount(type, SB_KERNMOUNT, '', 0),
    vfs_kern_mount: (type: Ptr, flags: number, name: Ptr, data: Ptr) =>
      this.mount(type, flags, name === 0 ? '' : this.k.space.cstring(name), data),
    kern_unmount: (mount: Ptr) => this.unmount(mount),
    kern_unmount_array: (mounts: Ptr, count: number) => this.unmountAll(mounts, count),
    mntget: (mount: Ptr) => this.get(mount),
    mntput: (mount: Ptr) => this.put(mount),
    path_get: (path: Ptr) => {
      const type = this.k.struct('path');
      this.get(type.get(path, 'mnt'));
      this.k.get(Dcache).get(type.get(path, 'dentry'));
    },
    path_put: (path: Ptr) => this.putPath(path),
    simple_pin_fs: (type: Ptr, mount: Ptr, count: Ptr) => this.pin(type, mount, count),
    simple_release_fs: (mount: Ptr, count: Ptr) => this.unpin(mount, count),
    fs_context_for_mount: (type: Ptr, flags: number) => this.contextFor(type, flags),
    put_fs_context: (context: Ptr) => this.putContext(context),
    vfs_get_tree: (context: Ptr) => this.getTree(context),
    vfs_create_mount: (context: Ptr) => this.createMount(context),
    fc_mount: (context: Ptr) => this.mountContext(context),
  };

  /** vfs_kern_mount(): a vfsmount with one reference, or an ERR_PTR. */
  *mount(type: Ptr, flags: number, source: string, data: Ptr): Sleepable<Ptr> {
    if (type === 0) return errPtr(ENODEV);
    const context = yield* this.contextFor(type, flags);
    if (isErr(context)) return context;
    const named = source === '' ? 0 : yield* this.setSource(context, source);
    const error = named === 0 ? yield* this.parseData(context, data) : named;
    const mount = error === 0 ? yield* this.mountContext(context) : errPtr(-error);
    yield* this.putContext(context);
    return mount;
  }

  get(mount: Ptr): Ptr {
    if (mount !== 0) this.k.get(MountObjects).count(mount, 1);
    return mount;
  }

  *put(mount: Ptr): Sleepable<void> {
    const { k } = this;
    // Mounts of the base kernel's own file systems stay.
    if (mount === 0 || k.get(MountObjects).count(mount, -1) > 0 || !this.mounts.delete(mount)) return;
    const type = k.struct('vfsmount');
    const superBlock = type.get(mount, 'mnt_sb');
    k.get(MountObjects).unlink(mount);
    yield* k.get(Dcache).put(type.get(mount, 'mnt_root'));
    yield* k.get(SuperBlocks).deactivate(superBlock);
    k.get(MountObjects).free(mount);
  }

  private *unmount(mount: Ptr): Sleepable<void> {
    if (mount !== 0 && !isErr(mount)) yield* this.put(mount);
  }

  private *unmountAll(mounts: Ptr, count: number): Sleepable<void> {
    for (let index = 0; index < count; index++) yield* this.unmount(this.k.space.loadPtr(mounts + 8 * index));
  }

  private *putPath(path: Ptr): Sleepable<void> {
    const type = this.k.struct('path');
    yield* this.k.get(Dcache).put(type.get(path, 'dentry'));
    yield* this.put(type.get(path, 'mnt'));
  }

  private *pin(type: Ptr, slot: Ptr, count: Ptr): Sleepable<number> {
    const { space } = this.k;
    if (space.loadPtr(slot) === 0) {
      const name = this.k.struct('file_system_type').string(type, 'name');
      const mount = yield* this.mount(type, SB_KERNMOUNT, name, 0);
      if (isErr(mount)) return ptrErr(mount);
      space.storePtr(slot, mount);
    } else this.get(space.loadPtr(slot));
    space.store32(count, space.load32(count) + 1);
    return 0;
  }

  private *unpin(slot: Ptr, count: Ptr): Sleepable<void> {
    const { space } = this.k;
    const mount = space.loadPtr(slot);
    const left = space.load32(count) - 1;
    space.store32(count, left);
    if (left === 0) space.storePtr(slot, 0);
    yield* this.put(mount);
  }

  private *contextFor(kind: Ptr, flags: number): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('fs_context');
    const kinds = k.struct('file_system_type');
    const context = k.slab.allocateBytes(type.size, true);
    type.set(context, 'fs_type', kind);
    type.set(context, 'sb_flags', flags);
    type.set(context, 'log.prefix', kinds.get(kind, 'name'));
    for (const { member, object } of HELD)
      if (k.hasSymbol(object)) type.set(context, member, k.symbol(object));
    this.countHeld(context, 1);
    k.get(Modules).getStruct(kinds.get(kind, 'owner'));
    if (kinds.get(kind, 'init_fs_context') === 0) return context;
    const error = yield* kinds.call(kind, 'init_fs_context', context);
    if (error !== 0) {
      yield* this.putContext(context);
      return errPtr(-error);
    }
    type.set(context, 'need_free', 1);
    return context;
  }

  /** Takes or drops the context's references; a file system may have put others into the places. */
  private countHeld(context: Ptr, by: 1 | -1): void {
    const { k } = this;
    for (const { member, struct, count } of HELD) {
      const object = k.struct('fs_context').get(context, member);
      const type = k.struct(struct);
      if (object !== 0) type.set(object, count, type.get(object, count) + by);
    }
  }

  private *putContext(context: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('fs_context');
    const root = type.get(context, 'root');
    if (root !== 0) {
      const superBlock = k.struct('dentry').get(root, 'd_sb');
      yield* k.get(Dcache).put(root);
      yield* k.get(SuperBlocks).deactivate(superBlock);
    }
    const operations = type.get(context, 'ops');
    const table = k.struct('fs_context_operations');
    const frees = operations !== 0 && table.get(operations, 'free') !== 0;
    if (frees && type.get(context, 'need_free') !== 0) yield* table.call(operations, 'free', context);
    const kind = type.get(context, 'fs_type');
    k.get(Modules).putStruct(k.struct('file_system_type').get(kind, 'owner'));
    this.legacyData.delete(context);
    this.countHeld(context, -1);
    const source = type.get(context, 'source');
    if (source !== 0) k.slab.free(source);
    k.slab.free(context);
  }

  /** Parameter `source`, which a file system may read itself. */
  private *setSource(context: Ptr, source: string): Sleepable<number> {
    return yield* this.k.get(MountOptions).parseText(context, 'source', source);
  }

  /** parse_monolithic_mount_data(): as one block for file systems that take it so, else one by one. */
  private *parseData(context: Ptr, data: Ptr): Sleepable<number> {
    const { k } = this;
    const operations = k.struct('fs_context').get(context, 'ops');
    if (operations === 0) {
      this.legacyData.set(context, data);
      return 0;
    }
    const table = k.struct('fs_context_operations');
    if (table.get(operations, 'parse_monolithic') !== 0)
      return yield* table.call(operations, 'parse_monolithic', context, data);
    return yield* k.get(MountOptions).parseList(context, data);
  }

  private *getTree(context: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('fs_context');
    const operations = type.get(context, 'ops');
    if (operations === 0) return yield* this.legacyTree(context);
    const error = yield* k.struct('fs_context_operations').call(operations, 'get_tree', context);
    if (error < 0) return error;
    this.born(type.get(context, 'root'));
    return 0;
  }

  /** file_system_type.mount of file systems without fs_context. */
  private *legacyTree(context: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('fs_context');
    const kind = type.get(context, 'fs_type');
    const kinds = k.struct('file_system_type');
    const flags = type.get(context, 'sb_flags');
    const data = this.legacyData.get(context) ?? 0;
    const root = yield* kinds.call(kind, 'mount', kind, flags, type.get(context, 'source'), data);
    if (isErr(root)) return ptrErr(root);
    type.set(context, 'root', root);
    this.born(root);
    return 0;
  }

  private born(root: Ptr): void {
    const type = this.k.struct('super_block');
    const superBlock = this.k.struct('dentry').get(root, 'd_sb');
    type.set(superBlock, 's_flags', type.get(superBlock, 's_flags') | SB_BORN);
  }

  private *mountContext(context: Ptr): Sleepable<Ptr> {
    const error = yield* this.getTree(context);
    if (error !== 0) return errPtr(-error);
    const root = this.k.struct('fs_context').get(context, 'root');
    this.k.get(SuperBlocks).unlock(this.k.struct('dentry').get(root, 'd_sb'));
    return this.createMount(context);
  }

  private createMount(context: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('fs_context');
    const root = type.get(context, 'root');
    const superBlock = k.struct('dentry').get(root, 'd_sb');
    const blocks = k.struct('super_block');
    blocks.set(superBlock, 's_active.counter', blocks.get(superBlock, 's_active.counter') + 1);
    const whole = k.struct('mount');
    const made = k.slab.allocateBytes(whole.size, true);
    const source = type.string(context, 'source');
    whole.set(made, 'mnt_devname', this.duplicate(source || 'none'));
    const mount = k.get(MountObjects).init(made, superBlock, k.get(Dcache).get(root));
    if ((type.get(context, 'sb_flags') & SB_KERNMOUNT) !== 0)
      k.struct('vfsmount').set(mount, 'mnt_flags', MNT_INTERNAL);
    this.mounts.add(mount);
    return mount;
  }

  private duplicate(text: string): Ptr {
    const copy = this.k.slab.allocateBytes(text.length + 1, false);
    this.k.space.storeCstring(copy, text);
    return copy;
  }
}
