import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const LISTS = [
  'mnt_child',
  'mnt_mounts',
  'mnt_list',
  'mnt_expire',
  'mnt_share',
  'mnt_slave_list',
  'mnt_slave',
  'mnt_umounting',
] as const;

/** struct mount, with the struct vfsmount in it that the rest of the kernel knows (alloc_vfsmnt() in fs/namespace.c). */
export class MountObjects implements Subsystem {
  readonly exports = {};
  private nextId = 1;

  constructor(private readonly k: LinuxKernel) {}

  /** Makes zeroed memory a mount of a file system, with one reference; its struct vfsmount. */
  init(whole: Ptr, superBlock: Ptr, root: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('mount');
    for (const head of LISTS) if (type.has(head)) list.init(k.space, type.addr(whole, head));
    type.set(whole, 'mnt_id', this.nextId++);
    if (type.has('mnt_pcp')) type.set(whole, 'mnt_pcp', k.percpu.allocate(k.sizeOf('mnt_pcp'), 8));
    type.set(whole, 'mnt_parent', whole);
    type.set(whole, 'mnt_mountpoint', root);
    const supers = k.struct('super_block');
    list.addTail(k.space, type.addr(whole, 'mnt_instance'), supers.addr(superBlock, 's_mounts'));
    const mount = type.addr(whole, 'mnt');
    this.count(mount, 1);
    const mounts = k.struct('vfsmount');
    mounts.set(mount, 'mnt_root', root);
    mounts.set(mount, 'mnt_sb', superBlock);
    // Before 6.2 the user namespace itself, from then on how its identities map.
    if (mounts.has('mnt_userns')) mounts.set(mount, 'mnt_userns', k.symbol('init_user_ns'));
    else mounts.set(mount, 'mnt_idmap', k.symbol('nop_mnt_idmap'));
    return mount;
  }

  /** Changes how many have a mount; how many that leaves. */
  count(mount: Ptr, by: number): number {
    const { k } = this;
    const counters = this.countersOf(mount);
    const type = counters === 0 ? k.struct('mount') : k.struct('mnt_pcp');
    const at = counters === 0 ? type.of(mount, 'mnt') : k.percpu.deref(counters);
    type.set(at, 'mnt_count', type.get(at, 'mnt_count') + by);
    return type.get(at, 'mnt_count');
  }

  /** Takes a mount that nobody has any more off its super_block, which may go before it. */
  unlink(mount: Ptr): void {
    const type = this.k.struct('mount');
    list.del(this.k.space, type.addr(type.of(mount, 'mnt'), 'mnt_instance'));
  }

  /** Gives back what belongs to a mount, and itself. */
  free(mount: Ptr): void {
    const { k } = this;
    const type = k.struct('mount');
    const whole = type.of(mount, 'mnt');
    const counters = this.countersOf(mount);
    if (counters !== 0) k.percpu.free(counters);
    const name = type.get(whole, 'mnt_devname');
    if (name !== 0) k.slab.free(name);
    k.slab.free(whole);
  }

  /** The counters of each CPU; 0 in a kernel for one, whose mounts count by themselves. */
  private countersOf(mount: Ptr): Ptr {
    const type = this.k.struct('mount');
    return type.has('mnt_pcp') ? type.get(type.of(mount, 'mnt'), 'mnt_pcp') : 0;
  }
}
