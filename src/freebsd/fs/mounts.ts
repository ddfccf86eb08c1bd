import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { withScratch } from '../dev/scratch.js';
import { EBUSY, EEXIST, ENODEV, ENOENT, EOPNOTSUPP } from '../errno.js';
import { Locks } from '../kern/locks.js';
import type { FreebsdKernel } from '../kernel.js';
import { KernLinker } from '../linker/kern-linker.js';
import { MOD_LOAD, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';
import { MountStructs } from './mount-structs.js';
import { VfsOptions } from './vfs-options.js';
import { Vnodes } from './vnodes.js';

/** A type of file systems that a module has registered: its struct vfsconf. */
interface FileSystemType {
  readonly conf: Ptr;
  readonly name: string;
}

/** A mounted file system of a module. */
export interface MountedVfs {
  readonly mp: Ptr;
  readonly type: string;
  readonly target: string;
}

/** What mount(8) asks for. */
export interface MountRequest {
  readonly type: string;
  readonly from: string;
  readonly target: string;
  /** Without fstype, fspath and from. */
  readonly options: ReadonlyMap<string, string>;
  /** The vnode of the directory that it is mounted on, used: given up when it is unmounted, or is not mounted at all. */
  readonly covered: Ptr;
}

/** What became of a mount: 0 or an error number, and what the file system says of it (the option errmsg). */
export interface MountResult {
  readonly errno: number;
  readonly message: string;
}

/** Functions that a file system leaves out, and what the kernel has for them (vfs_register(), sys/kern/vfs_init.c). */
const STANDARD: Readonly<Record<string, string>> = {
  vfs_quotactl: 'vfs_stdquotactl',
  vfs_statfs: 'vfs_stdstatfs',
  vfs_sync: 'vfs_stdnosync',
  vfs_vget: 'vfs_stdvget',
  vfs_fhtovp: 'vfs_stdfhtovp',
  vfs_checkexp: 'vfs_stdcheckexp',
  vfs_init: 'vfs_stdinit',
  vfs_uninit: 'vfs_stduninit',
  vfs_extattrctl: 'vfs_stdextattrctl',
  vfs_sysctl: 'vfs_stdsysctl',
};

/** Types of file systems, and what is mounted (sys/kern/vfs_init.c, vfs_mount.c). */
export class Mounts implements Subsystem {
  private readonly types: FileSystemType[] = [];
  private readonly mounted: MountedVfs[] = [];
  private nextType = 1;
  private nextFsid = 1;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vfs_modevent: (_module: Ptr, what: number, conf: Ptr) => this.moduleEvent(what, conf),
    vfs_getnewfsid: (mp: Ptr) => this.newFsid(mp),
    vfs_mountedfrom: (mp: Ptr, from: Ptr) =>
      this.mount.setText(mp, 'mnt_stat.f_mntfromname', this.k.space.cstring(from)),
    vfs_busy: (mp: Ptr) => this.busy(mp),
    vfs_unbusy: (mp: Ptr) => this.k.get(MountStructs).count(mp, 'mnt_lockref', -1),
    __vfs_statfs: (mp: Ptr, place: Ptr) => this.statfs(mp, place),
    // No root is cached: the file system is asked each time.
    vfs_cache_root: (mp: Ptr, flags: number, place: Ptr) => this.root('vfs_cachedroot', mp, flags, place),
    // Nobody suspends writing: there are no snapshots.
    vfs_write_suspend_umnt: () => 0,
    vfs_write_resume: () => {},
    vn_start_write: (_vp: Ptr, place: Ptr) => {
      if (place !== 0) this.k.space.storePtr(place, 0);
      return 0;
    },
    vn_finished_write: () => {},
    vfs_stdinit: () => 0,
    vfs_stduninit: () => 0,
    vfs_stdnosync: () => 0,
    vfs_stdsync: () => 0,
    vfs_stdstatfs: () => EOPNOTSUPP,
    vfs_stdvget: () => EOPNOTSUPP,
    vfs_stdfhtovp: () => EOPNOTSUPP,
    vfs_stdcheckexp: () => EOPNOTSUPP,
    vfs_stdextattrctl: () => EOPNOTSUPP,
    vfs_stdsysctl: () => EOPNOTSUPP,
    vfs_stdquotactl: () => EOPNOTSUPP,
    vfs_stdroot: () => EOPNOTSUPP,
  };

  private get mount() {
    return this.k.struct('mount');
  }

  private get conf() {
    return this.k.struct('vfsconf');
  }

  /** What is mounted, in the order of mounting. */
  get list(): readonly MountedVfs[] {
    return this.mounted;
  }

  private *moduleEvent(what: number, conf: Ptr): Sleepable<number> {
    if (what === MOD_LOAD) return yield* this.register(conf);
    return what === MOD_UNLOAD ? yield* this.unregister(conf) : EOPNOTSUPP;
  }

  private *register(conf: Ptr): Sleepable<number> {
    const { k } = this;
    const name = this.conf.text(conf, 'vfc_name');
    const operations = this.conf.get(conf, 'vfc_vfsops');
    const table = k.struct('vfsops');
    const version = this.conf.get(conf, 'vfc_version');
    if (version !== k.macro('VFS_VERSION')) {
      k.log.line(`ERROR: filesystem ${name}, unsupported ABI version ${version.toString(16)}`, undefined);
      return k.macro('EINVAL');
    }
    if (this.types.some((one) => one.name === name)) return EEXIST;
    this.conf.set(conf, 'vfc_typenum', this.nextType++);
    if (table.get(operations, 'vfs_root') === 0) table.set(operations, 'vfs_root', k.fn('vfs_stdroot'));
    if (table.get(operations, 'vfs_cachedroot') === 0)
      table.set(operations, 'vfs_cachedroot', table.get(operations, 'vfs_root'));
    for (const [member, standard] of Object.entries(STANDARD))
      if (table.get(operations, member) === 0) table.set(operations, member, k.fn(standard));
    this.types.push({ conf, name });
    k.origins.note(conf);
    yield* table.call(operations, 'vfs_init', conf);
    return 0;
  }

  private *unregister(conf: Ptr): Sleepable<number> {
    const at = this.types.findIndex((one) => one.conf === conf);
    if (at < 0) return ENOENT;
    if (this.conf.get(conf, 'vfc_refcount') !== 0) return EBUSY;
    const error = yield* this.k.struct('vfsops').call(this.conf.get(conf, 'vfc_vfsops'), 'vfs_uninit', conf);
    if (error !== 0) return error;
    this.types.splice(at, 1);
    this.k.origins.forget(conf);
    return 0;
  }

  private newFsid(mp: Ptr): void {
    const type = this.conf.get(this.mount.get(mp, 'mnt_vfc'), 'vfc_typenum');
    const at = this.mount.addr(mp, 'mnt_stat.f_fsid');
    this.k.space.store32(at, (0xff00_0000 | (this.nextFsid++ << 8) | type) >>> 0);
    this.k.space.store32(at + 4, type);
  }

  /** vfs_busy(): ENOENT for what is being unmounted. */
  private busy(mp: Ptr): number {
    if (this.mount.get(mp, 'mnt_kern_flag') & this.k.macro('MNTK_UNMOUNT')) return ENOENT;
    this.k.get(MountStructs).count(mp, 'mnt_lockref', 1);
    return 0;
  }

  private *statfs(mp: Ptr, place: Ptr): Sleepable<number> {
    const { k } = this;
    const own = this.mount.addr(mp, 'mnt_stat');
    const error = yield* k.struct('vfsops').call(this.mount.get(mp, 'mnt_op'), 'vfs_statfs', mp, own);
    if (error === 0 && place !== own) k.space.bytes.copyWithin(place, own, own + k.sizeOf('statfs'));
    return error;
  }

  /** VFS_ROOT(): stores the root's vnode, used and locked as `flags` say. */
  private *root(
    member: 'vfs_root' | 'vfs_cachedroot',
    mp: Ptr,
    flags: number,
    place: Ptr,
  ): Sleepable<number> {
    return yield* this.k.struct('vfsops').call(this.mount.get(mp, 'mnt_op'), member, mp, flags, place);
  }

  /** The root's vnode, used and locked, or why there is none. */
  *rootOf(mp: Ptr): Sleepable<{ readonly vp: Ptr } | { readonly errno: number }> {
    const { k } = this;
    return yield* withScratch(
      k,
      8,
      function* (this: Mounts, place: Ptr) {
        const errno = yield* this.root('vfs_root', mp, k.macro('LK_EXCLUSIVE'), place);
        return errno === 0 ? { vp: k.space.loadPtr(place) } : { errno };
      }.bind(this),
    );
  }

  /** nmount(2): a file system of a registered type; ENODEV for one that there is none of. */
  *nmount(request: MountRequest): Sleepable<MountedVfs | MountResult> {
    const { k } = this;
    const found = yield* this.typeNamed(request.type);
    if (!found) {
      yield* k.get(Vnodes).rele(request.covered);
      return { errno: ENODEV, message: '' };
    }
    const mp = this.make(found, request);
    const operations = this.mount.get(mp, 'mnt_op');
    this.mount.set(mp, 'mnt_vnodecovered', request.covered);
    const error = yield* k.struct('vfsops').call(operations, 'vfs_mount', mp);
    const checked = error === 0 ? yield* this.statfs(mp, this.mount.addr(mp, 'mnt_stat')) : error;
    if (checked !== 0) {
      if (error === 0) yield* k.struct('vfsops').call(operations, 'vfs_unmount', mp, k.macro('MNT_FORCE'));
      const message = k.get(VfsOptions).messageOf(this.mount.get(mp, 'mnt_optnew'));
      yield* this.destroy(mp);
      return { errno: checked, message };
    }
    this.mount.set(mp, 'mnt_opt', this.mount.get(mp, 'mnt_optnew'));
    const made = { mp, type: request.type, target: request.target };
    this.mounted.push(made);
    return made;
  }

  /** vfs_byname_kld(): a type that nobody has registered is looked for in the file of its name. */
  private *typeNamed(type: string): Sleepable<FileSystemType | undefined> {
    const known = (): FileSystemType | undefined => this.types.find(({ name }) => name === type);
    if (known()) return known();
    const loaded = yield* this.k.get(KernLinker).kldload(type);
    if ('file' in loaded && !known()) yield* this.k.get(KernLinker).kldunload(loaded.file.id, false);
    return known();
  }

  private make({ conf, name }: FileSystemType, { options, from, target, type }: MountRequest): Ptr {
    const { k, mount } = this;
    const mp = k.slab.allocateBytes(mount.size, true);
    const given = new Map([['fstype', type], ['fspath', target], ['from', from], ...options]);
    k.get(MountStructs).prepare(mp);
    mount.set(mp, 'mnt_op', this.conf.get(conf, 'vfc_vfsops'));
    mount.set(mp, 'mnt_vfc', conf);
    mount.set(mp, 'mnt_flag', options.has('ro') ? k.macro('MNT_RDONLY') : 0);
    mount.set(mp, 'mnt_optnew', k.get(VfsOptions).make(given));
    mount.setText(mp, 'mnt_stat.f_fstypename', name);
    mount.setText(mp, 'mnt_stat.f_mntonname', target);
    mount.setText(mp, 'mnt_stat.f_mntfromname', from);
    this.conf.set(conf, 'vfc_refcount', this.conf.get(conf, 'vfc_refcount') + 1);
    return mp;
  }

  private *destroy(mp: Ptr): Sleepable<void> {
    const { k, mount } = this;
    yield* k.get(Vnodes).rele(mount.get(mp, 'mnt_vnodecovered'));
    const conf = mount.get(mp, 'mnt_vfc');
    this.conf.set(conf, 'vfc_refcount', this.conf.get(conf, 'vfc_refcount') - 1);
    k.get(VfsOptions).free(mount.get(mp, 'mnt_optnew'));
    k.get(Locks).forgetIn(mp, mount.size);
    k.slab.free(mp);
  }

  /** unmount(2): EBUSY while files of it are in use, unless it is forced. */
  *unmount(one: MountedVfs, force: boolean): Sleepable<number> {
    const { k, mount } = this;
    const { mp } = one;
    if (k.get(MountStructs).hasUppers(mp)) return EBUSY;
    const flag = k.macro('MNTK_UNMOUNT');
    mount.set(mp, 'mnt_kern_flag', mount.get(mp, 'mnt_kern_flag') | flag);
    const flags = force ? k.macro('MNT_FORCE') : 0;
    const error = yield* k.struct('vfsops').call(mount.get(mp, 'mnt_op'), 'vfs_unmount', mp, flags);
    if (error !== 0) {
      mount.set(mp, 'mnt_kern_flag', mount.get(mp, 'mnt_kern_flag') & ~flag);
      return error;
    }
    this.mounted.splice(this.mounted.indexOf(one), 1);
    const left = k.get(Vnodes).of(mp);
    if (left.length > 0) return k.panic(`unmount: dangling vnode`);
    yield* this.destroy(mp);
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const { conf, name } of this.types)
      yield {
        kind: 'file system',
        at: conf,
        uses: [this.conf.get(conf, 'vfc_vfsops')],
        by: this.k.origins.of(conf),
        name: () => name,
      };
    for (const { mp, target } of this.mounted)
      yield { kind: 'mounted file system', at: mp, uses: [this.mount.get(mp, 'mnt_op')], name: () => target };
  }
}
