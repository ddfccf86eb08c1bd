import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { errPtr, isErr, ptrErr } from '../../errors.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import { RwSemaphores } from '../../locking/rwsem.js';
import type { Subsystem } from '../../subsystem.js';
import { SuperBlockObjects } from '../super-block.js';
import { Dcache } from './dcache.js';
import { Inodes, SB_ACTIVE } from './inodes.js';

/** super_block.s_flags */
export const SB_BORN = 1 << 29;

/** Answers about a super_block, or changes it: as functions of file systems do that come as parameters. */
type Decider = (superBlock: Ptr) => number | Sleepable<number>;

const anyOne: Decider = () => 1;

/** super_blocks of file systems that modules implement: making, sharing and killing them (fs/super.c). */
export class SuperBlocks implements Subsystem {
  private readonly byType = new Map<Ptr, Ptr[]>();
  private readonly anonymous = new Set<number>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sget: (type: Ptr, test: Ptr, set: Ptr, flags: number, data: Ptr) =>
      this.get(type, this.test(test, data), this.decider(set, data), flags, 0),
    sget_fc: (context: Ptr, test: Ptr, set: Ptr) =>
      this.getFor(context, this.test(test, context), this.decider(set, context)),
    set_anon_super: (superBlock: Ptr, _data: Ptr) => this.setAnonymous(superBlock),
    set_anon_super_fc: (superBlock: Ptr, _context: Ptr) => this.setAnonymous(superBlock),
    get_anon_bdev: (device: Ptr) => {
      this.k.space.store32(device, this.takeAnonymous());
      return 0;
    },
    free_anon_bdev: (device: number) => {
      this.anonymous.delete(device);
    },
    generic_shutdown_super: (superBlock: Ptr) => this.shutDown(superBlock),
    kill_anon_super: (superBlock: Ptr) => this.killAnonymous(superBlock),
    kill_litter_super: (superBlock: Ptr) => this.killLitter(superBlock),
    deactivate_super: (superBlock: Ptr) => this.deactivate(superBlock),
    deactivate_locked_super: (superBlock: Ptr) => this.deactivateLocked(superBlock),
    get_tree_nodev: (context: Ptr, fill: Ptr) => this.getTree(context, this.decider(fill, context), 'new'),
    get_tree_single: (context: Ptr, fill: Ptr) =>
      this.getTree(context, this.decider(fill, context), 'single'),
    get_tree_keyed: (context: Ptr, fill: Ptr, key: Ptr) => {
      this.k.struct('fs_context').set(context, 's_fs_info', key);
      return this.getTree(context, this.decider(fill, context), 'keyed');
    },
    mount_nodev: (type: Ptr, flags: number, data: Ptr, fill: Ptr) =>
      this.mountNoDevice(type, flags, data, fill),
    mount_single: (type: Ptr, flags: number, data: Ptr, fill: Ptr) =>
      this.mountSingle(type, flags, data, fill),
  };

  /** deactivate_super(): the last user shuts the file system down. */
  *deactivate(superBlock: Ptr): Sleepable<void> {
    const type = this.k.struct('super_block');
    const active = type.get(superBlock, 's_active.counter');
    if (active > 1) {
      type.set(superBlock, 's_active.counter', active - 1);
      return;
    }
    yield* this.lock(superBlock);
    yield* this.deactivateLocked(superBlock);
  }

  /** deactivate_locked_super(): as `deactivate`, by who holds s_umount, which is given back. */
  private *deactivateLocked(superBlock: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('super_block');
    const active = type.get(superBlock, 's_active.counter') - 1;
    type.set(superBlock, 's_active.counter', active);
    if (active > 0) {
      this.unlock(superBlock);
      return;
    }
    const kind = type.get(superBlock, 's_type');
    yield* k.struct('file_system_type').call(kind, 'kill_sb', superBlock);
    k.get(Modules).putStruct(k.struct('file_system_type').get(kind, 'owner'));
    k.get(SuperBlockObjects).destroy(superBlock);
    k.slab.free(superBlock);
  }

  /** Holds s_umount for writing, as who makes, mounts or kills a super_block does. */
  private *lock(superBlock: Ptr): Sleepable<void> {
    const { k } = this;
    yield* k.get(RwSemaphores).downWrite(k.struct('super_block').addr(superBlock, 's_umount'));
  }

  unlock(superBlock: Ptr): void {
    const { k } = this;
    k.get(RwSemaphores).upWrite(k.struct('super_block').addr(superBlock, 's_umount'));
  }

  /** A module's int (*)(struct super_block *, void *), with what goes along. */
  private decider(fn: Ptr, data: Ptr): Decider {
    return (superBlock) => this.k.callAs('i:pp', fn, superBlock, data);
  }

  private test(fn: Ptr, data: Ptr): Decider | undefined {
    return fn === 0 ? undefined : this.decider(fn, data);
  }

  private *getFor(context: Ptr, test: Decider | undefined, set: Decider): Sleepable<Ptr> {
    const type = this.k.struct('fs_context');
    const kind = type.get(context, 'fs_type');
    return yield* this.get(kind, test, set, type.get(context, 'sb_flags'), context);
  }

  /** Finds a super_block that `test` accepts, or makes one that `set` completes. `context` is 0 where there is none. */
  private *get(
    kind: Ptr,
    test: Decider | undefined,
    set: Decider,
    flags: number,
    context: Ptr,
  ): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('super_block');
    if (test)
      for (const known of this.byType.get(kind) ?? [])
        if ((yield* k.wait(test(known))) !== 0) {
          type.set(known, 's_active.counter', type.get(known, 's_active.counter') + 1);
          yield* this.lock(known);
          return known;
        }
    const made = this.make(kind, flags);
    yield* this.lock(made);
    const contexts = k.struct('fs_context');
    if (context !== 0) type.set(made, 's_fs_info', contexts.get(context, 's_fs_info'));
    const error = yield* k.wait(set(made));
    if (error !== 0) {
      this.unlock(made);
      k.get(SuperBlockObjects).destroy(made);
      k.slab.free(made);
      return errPtr(-error);
    }
    if (context !== 0) contexts.set(context, 's_fs_info', 0);
    const others = this.byType.get(kind);
    if (others) others.unshift(made);
    else this.byType.set(kind, [made]);
    k.get(Modules).getStruct(k.struct('file_system_type').get(kind, 'owner'));
    return made;
  }

  private make(kind: Ptr, flags: number): Ptr {
    const { k } = this;
    const type = k.struct('super_block');
    const made = k.slab.allocateBytes(type.size, true);
    k.get(SuperBlockObjects).init(made, kind);
    type.set(made, 's_flags', flags);
    type.setText(made, 's_id', k.struct('file_system_type').string(kind, 'name'));
    return made;
  }

  private setAnonymous(superBlock: Ptr): number {
    this.k.struct('super_block').set(superBlock, 's_dev', this.takeAnonymous());
    return 0;
  }

  private takeAnonymous(): number {
    let device = 64;
    while (this.anonymous.has(device)) device++;
    this.anonymous.add(device);
    return device;
  }

  /** generic_shutdown_super() */
  private *shutDown(superBlock: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('super_block');
    const cache = k.get(Dcache);
    const root = type.get(superBlock, 's_root');
    if (root !== 0) {
      type.set(superBlock, 's_root', 0);
      yield* cache.shrink(root);
      cache.unhash(root);
      yield* cache.put(root);
      type.set(superBlock, 's_flags', type.get(superBlock, 's_flags') & ~SB_ACTIVE);
      yield* k.get(Inodes).evictAll(superBlock);
      const operations = type.get(superBlock, 's_op');
      const supers = k.struct('super_operations');
      if (operations !== 0 && supers.get(operations, 'put_super') !== 0)
        yield* supers.call(operations, 'put_super', superBlock);
      if (!list.isEmpty(k.space, type.addr(superBlock, 's_inodes')))
        k.log.line(
          `VFS: Busy inodes after unmount of ${type.text(superBlock, 's_id')}. Self-destruct in 5 seconds.  Have a nice day...`,
          LOGLEVEL_WARNING,
        );
    }
    const others = this.byType.get(type.get(superBlock, 's_type')) ?? [];
    others.splice(others.indexOf(superBlock) >>> 0, 1);
    k.get(SuperBlockObjects).unlinkInstance(superBlock);
    this.unlock(superBlock);
  }

  private *killAnonymous(superBlock: Ptr): Sleepable<void> {
    const device = this.k.struct('super_block').get(superBlock, 's_dev');
    yield* this.shutDown(superBlock);
    this.anonymous.delete(device);
  }

  private *killLitter(superBlock: Ptr): Sleepable<void> {
    const root = this.k.struct('super_block').get(superBlock, 's_root');
    if (root !== 0) this.k.get(Dcache).genocide(root);
    yield* this.killAnonymous(superBlock);
  }

  /** vfs_get_super() */
  *getTree(context: Ptr, fill: Decider, sharing: 'new' | 'single' | 'keyed'): Sleepable<number> {
    const { k } = this;
    const superBlock = yield* this.getFor(context, this.testFor(sharing, context), this.anonymously);
    if (isErr(superBlock)) return ptrErr(superBlock);
    const type = k.struct('super_block');
    if (type.get(superBlock, 's_root') === 0) {
      const error = yield* k.wait(fill(superBlock));
      if (error !== 0) {
        yield* this.deactivateLocked(superBlock);
        return error;
      }
      type.set(superBlock, 's_flags', type.get(superBlock, 's_flags') | SB_ACTIVE);
    }
    k.struct('fs_context').set(context, 'root', k.get(Dcache).get(type.get(superBlock, 's_root')));
    return 0;
  }

  private readonly anonymously: Decider = (superBlock) => this.setAnonymous(superBlock);

  private testFor(sharing: 'new' | 'single' | 'keyed', context: Ptr): Decider | undefined {
    if (sharing === 'new') return undefined;
    if (sharing === 'single') return anyOne;
    const wanted = this.k.struct('fs_context').get(context, 's_fs_info');
    return (superBlock) => Number(this.k.struct('super_block').get(superBlock, 's_fs_info') === wanted);
  }

  private *mountNoDevice(kind: Ptr, flags: number, data: Ptr, fill: Ptr): Sleepable<Ptr> {
    const superBlock = yield* this.get(kind, undefined, this.anonymously, flags, 0);
    return yield* this.filled(superBlock, data, fill);
  }

  private *mountSingle(kind: Ptr, flags: number, data: Ptr, fill: Ptr): Sleepable<Ptr> {
    const superBlock = yield* this.get(kind, anyOne, this.anonymously, flags, 0);
    return yield* this.filled(superBlock, data, fill);
  }

  /** Fills a new super_block; its root with a reference, or an ERR_PTR. */
  private *filled(superBlock: Ptr, data: Ptr, fill: Ptr): Sleepable<Ptr> {
    const { k } = this;
    if (isErr(superBlock)) return superBlock;
    const type = k.struct('super_block');
    if (type.get(superBlock, 's_root') === 0) {
      // int (*fill_super)(struct super_block *, void *, int), a parameter of mount_nodev().
      const error = yield* k.callAs('i:ppi', fill, superBlock, data, 0);
      if (error !== 0) {
        yield* this.deactivateLocked(superBlock);
        return errPtr(-error);
      }
      type.set(superBlock, 's_flags', type.get(superBlock, 's_flags') | SB_ACTIVE);
    }
    return k.get(Dcache).get(type.get(superBlock, 's_root'));
  }
}
