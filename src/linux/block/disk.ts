import type { Ptr } from '../../cpu/layout.js';
import { S_IFBLK } from '../../files/mode.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { runNow, type Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_INFO } from '../../kernel/log.js';
import { MKDEV } from '../abi/device-number.js';
import { list } from '../abi/list.js';
import { Devices } from '../drivers/base/core.js';
import { putDevice } from '../drivers/base/device.js';
import { registerLate } from '../drivers/base/host-class.js';
import { EINVAL, ENOMEM } from '../errno.js';
import { errPtr, isErr } from '../errors.js';
import { InodeInit } from '../fs/new-inode.js';
import { VfsObjects } from '../fs/objects.js';
import type { LinuxKernel } from '../kernel.js';
import { Kobjects } from '../kobject/kobject.js';
import { createLink, removeChild } from '../kobject/sysfs/files.js';
import { lowestFree } from '../lib/lowest-free.js';
import { Mutexes } from '../locking/mutex.js';
import { GRACE_NS } from '../sched/kthread.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { BackingDevices } from './backing-dev.js';
import { NATIVE } from './majors.js';
import { RequestQueues } from './queue.js';
import { QueueLimits, SECTOR_SHIFT } from './queue-limits.js';

/** Major of disks whose driver has no number of its own (include/uapi/linux/major.h). */
const BLOCK_EXT_MAJOR = 259;
/** gendisk.state bits (include/linux/blkdev.h). */
const GD_READ_ONLY = 1n << 1n;
const GD_DEAD = 1n << 2n;
const GD_ADDED = 1n << 4n;
const GD_OWNS_QUEUE = 1n << 6n;

/** Disks: struct gendisk and its whole-disk block_device (block/genhd.c). */
export class Disks implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  private ready = false;
  private diskType: Ptr = 0;
  private sequence = 1;
  private readonly added = new Set<Ptr>();
  /** The kobject of /sys/block. */
  private folder: Ptr = 0;
  private readonly extendedMinors = new Set<number>();
  /** Inode of each block_device. */
  private readonly inodes = new Map<Ptr, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __blk_alloc_disk: (first: Ptr) =>
      this.limited(this.allocForBios(), this.k.hasParameter('__blk_alloc_disk', 'lim') ? first : 0),
    __blk_mq_alloc_disk: (set: Ptr, ...rest: Ptr[]) =>
      this.k.hasParameter('__blk_mq_alloc_disk', 'lim')
        ? this.limited(this.allocForTagSet(set, rest[1]), rest[0])
        : this.allocForTagSet(set, rest[0]),
    __alloc_disk_node: (q: Ptr, _node: number, _key: Ptr) => this.alloc(q),
    blk_mq_alloc_disk_for_queue: (q: Ptr, _key: Ptr) => this.alloc(q),
    device_add_disk: (parent: Ptr, disk: Ptr, groups: Ptr) => this.add(parent, disk, groups),
    del_gendisk: (disk: Ptr) => this.del(disk),
    put_disk: (disk: Ptr) => this.put(disk),
    blk_mark_disk_dead: (disk: Ptr) => this.state(disk, GD_DEAD, true),
    set_capacity: (disk: Ptr, sectors: number) => this.setCapacity(disk, sectors),
    set_capacity_and_notify: (disk: Ptr, sectors: number) => this.setCapacityAndNotify(disk, sectors),
    // Nothing is kept in memory of what was written to a disk.
    sync_blockdev: nothing('nothing is ever dirty: there is no page cache', 0),
    set_disk_ro: (disk: Ptr, readOnly: boolean) => this.state(disk, GD_READ_ONLY, readOnly),
  };

  private device(disk: Ptr): Ptr {
    const part = this.k.struct('gendisk').get(disk, 'part0');
    return this.k.struct('block_device').addr(part, 'bd_device');
  }

  /** Gives a new disk the limits its driver wants, if it says any. */
  private *limited(made: Sleepable<Ptr>, limits: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const disk = yield* made;
    if (disk === 0 || isErr(disk) || limits === 0) return disk;
    const error = k.get(QueueLimits).commit(k.struct('gendisk').get(disk, 'queue'), limits);
    if (error === 0) return disk;
    yield* this.put(disk);
    return errPtr(-error);
  }

  private *allocForBios(): Sleepable<Ptr> {
    const q = this.k.get(RequestQueues).alloc();
    if (q === 0) return 0;
    const disk = yield* this.alloc(q);
    this.state(disk, GD_OWNS_QUEUE, true);
    return disk;
  }

  private *allocForTagSet(set: Ptr, data: Ptr): Sleepable<Ptr> {
    const q = yield* this.k.get(RequestQueues).forTagSet(set, data);
    if (isErr(q)) return q;
    const disk = yield* this.alloc(q);
    if (disk === 0) return errPtr(ENOMEM);
    this.state(disk, GD_OWNS_QUEUE, true);
    return disk;
  }

  /** __alloc_disk_node(): a disk on a queue, whose reference it takes over. */
  private *alloc(q: Ptr): Sleepable<Ptr> {
    const { k } = this;
    yield* this.prepare();
    const type = k.struct('gendisk');
    const disk = k.slab.allocateBytes(type.size, true);
    type.set(disk, 'bdi', k.get(BackingDevices).alloc());
    type.set(disk, 'queue', q);
    k.get(Mutexes).init(type.addr(disk, 'open_mutex'));
    if (type.has('slave_bdevs')) list.init(k.space, type.addr(disk, 'slave_bdevs'));
    type.set(disk, 'node_id', -1);
    if (type.has('diskseq')) type.set(disk, 'diskseq', this.sequence++);
    type.set(disk, 'part0', this.makeDevice(disk, q));
    k.struct('request_queue').set(q, 'disk', disk);
    const device = this.device(disk);
    k.get(Devices).initialize(device);
    const devices = k.struct('device');
    devices.set(device, 'class', k.symbol('block_class'));
    devices.set(device, 'type', this.diskType);
    return disk;
  }

  /** bdev_alloc(): the block_device of the whole disk, with its inode. */
  private makeDevice(disk: Ptr, q: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('block_device');
    const objects = k.get(VfsObjects);
    const part = k.slab.allocateBytes(type.size, true);
    const inode = k.slab.allocateBytes(k.sizeOf('inode'), true);
    k.get(InodeInit).once(inode);
    k.get(InodeInit).always(inode, objects.fileSystem('bdev').superBlock);
    k.struct('inode').set(inode, 'i_mode', S_IFBLK);
    // From 6.10 on the struct has no pointer to it.
    if (type.has('bd_inode')) type.set(part, 'bd_inode', inode);
    this.inodes.set(part, inode);
    type.set(part, 'bd_queue', q);
    type.set(part, 'bd_disk', disk);
    k.get(Mutexes).init(type.addr(part, 'bd_fsfreeze_mutex'));
    return part;
  }

  private *add(parent: Ptr, disk: Ptr, groups: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('gendisk');
    const device = this.device(disk);
    const devices = k.struct('device');
    if (!this.chooseNumber(disk)) return -EINVAL;
    const number = MKDEV(type.get(disk, 'major'), type.get(disk, 'first_minor'));
    devices.set(device, 'parent', parent);
    devices.set(device, 'groups', groups);
    k.get(Devices).setName(device, type.text(disk, 'disk_name'));
    const hidden = (type.get(disk, 'flags') & k.enumValue('GENHD_FL_HIDDEN')) !== 0;
    if (!hidden) devices.set(device, 'devt', number);
    const error = yield* k.get(Devices).add(device);
    if (error !== 0) return error;
    const part = type.get(disk, 'part0');
    const parts = k.struct('block_device');
    if (parts.has('bd_dev')) parts.set(part, 'bd_dev', number);
    k.struct('inode').set(this.inodes.get(part)!, 'i_rdev', number);
    parts.set(part, 'bd_holder_dir', yield* this.directory('holders', device));
    type.set(disk, 'slave_dir', yield* this.directory('slaves', device));
    yield* k.get(RequestQueues).addDirectory(disk, devices.addr(device, 'kobj'));
    if (!hidden)
      yield* k
        .get(BackingDevices)
        .register(type.get(disk, 'bdi'), `${type.get(disk, 'major')}:${type.get(disk, 'first_minor')}`);
    this.state(disk, GD_ADDED, true);
    if (!hidden) this.added.add(disk);
    if (!hidden) createLink(k, this.folder, devices.addr(device, 'kobj'), type.text(disk, 'disk_name'));
    return 0;
  }

  /** The disks that are there, in the order in which they came. */
  list(): Iterable<Ptr> {
    return this.added;
  }

  /** /sys/block is there before any disk. */
  boot(): void {
    const kobjects = this.k.get(Kobjects);
    this.folder = runNow(kobjects.createAndAdd('block', 0));
    this.k.native?.onSetUp(NATIVE, () => kobjects.put(this.folder));
  }

  private chooseNumber(disk: Ptr): boolean {
    const type = this.k.struct('gendisk');
    if (type.get(disk, 'major') !== 0) {
      if (type.get(disk, 'minors') === 0) warn(this.k, '', 'block/genhd.c', 'device_add_disk');
      return true;
    }
    if (type.get(disk, 'minors') !== 0) {
      warn(this.k, '', 'block/genhd.c', 'device_add_disk');
      return false;
    }
    const minor = lowestFree(this.extendedMinors);
    this.extendedMinors.add(minor);
    type.set(disk, 'major', BLOCK_EXT_MAJOR);
    type.set(disk, 'first_minor', minor);
    return true;
  }

  private *directory(name: string, device: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const kobject = k.struct('device').addr(device, 'kobj');
    return yield* k.get(Kobjects).createAndAdd(name, kobject);
  }

  private *del(disk: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('gendisk');
    if ((type.getBig(disk, 'state') & GD_ADDED) === 0n) return;
    this.state(disk, GD_DEAD, true);
    if (this.added.delete(disk)) removeChild(k, this.folder, type.text(disk, 'disk_name'));
    const part = type.get(disk, 'part0');
    const kobjects = k.get(Kobjects);
    yield* k.get(BackingDevices).unregister(type.get(disk, 'bdi'));
    const queue = type.get(disk, 'queue');
    yield* k.get(RequestQueues).removeDirectory(disk);
    yield* kobjects.put(k.struct('block_device').get(part, 'bd_holder_dir'));
    yield* kobjects.put(type.get(disk, 'slave_dir'));
    type.set(disk, 'slave_dir', 0);
    yield* k.get(Devices).del(this.device(disk));
    if ((type.getBig(disk, 'state') & GD_OWNS_QUEUE) !== 0n) yield* k.get(RequestQueues).leaveTagSet(queue);
  }

  private *put(disk: Ptr): Sleepable<void> {
    if (disk !== 0 && !isErr(disk)) yield* putDevice(this.k, this.device(disk));
  }

  /** disk_release(): the last reference to the device is gone. */
  private *release(device: Ptr): Sleepable<void> {
    const { k } = this;
    const parts = k.struct('block_device');
    const part = parts.of(device, 'bd_device');
    const disk = parts.get(part, 'bd_disk');
    const type = k.struct('gendisk');
    const queues = k.get(RequestQueues);
    const queue = type.get(disk, 'queue');
    if ((type.getBig(disk, 'state') & GD_OWNS_QUEUE) !== 0n) yield* queues.leaveTagSet(queue);
    if (type.get(disk, 'major') === BLOCK_EXT_MAJOR) this.giveBack(type.get(disk, 'first_minor'));
    k.struct('request_queue').set(queue, 'disk', 0);
    yield* queues.put(queue);
    const added = (type.getBig(disk, 'state') & GD_ADDED) !== 0n;
    const operations = type.get(disk, 'fops');
    const ops = k.struct('block_device_operations');
    if (added && operations !== 0 && ops.get(operations, 'free_disk') !== 0)
      yield* ops.call(operations, 'free_disk', disk);
    yield* k.get(BackingDevices).put(type.get(disk, 'bdi'));
    k.get(VfsObjects).freeInode(this.inodes.get(part)!);
    this.inodes.delete(part);
    k.slab.free(part);
    k.slab.free(disk);
  }

  /** blk_free_ext_minor(), which waits for those that may still be reading the block_device's inode. */
  private giveBack(minor: number): void {
    const { clock } = this.k;
    clock.arm(clock.now + GRACE_NS, () => this.extendedMinors.delete(minor));
  }

  private setCapacity(disk: Ptr, sectors: number): void {
    const { k } = this;
    const parts = k.struct('block_device');
    const part = k.struct('gendisk').get(disk, 'part0');
    parts.set(part, 'bd_nr_sectors', sectors);
    k.struct('inode').set(this.inodes.get(part)!, 'i_size', sectors * 2 ** SECTOR_SHIFT);
  }

  private setCapacityAndNotify(disk: Ptr, sectors: number): boolean {
    const { k } = this;
    const type = k.struct('gendisk');
    const before = k.struct('block_device').get(type.get(disk, 'part0'), 'bd_nr_sectors');
    this.setCapacity(disk, sectors);
    const alive = (type.getBig(disk, 'state') & (GD_ADDED | GD_DEAD)) === GD_ADDED;
    const hidden = (type.get(disk, 'flags') & k.enumValue('GENHD_FL_HIDDEN')) !== 0;
    if (before === sectors || !alive || hidden) return false;
    const name = type.text(disk, 'disk_name');
    k.log.line(`${name}: detected capacity change from ${before} to ${sectors}`, LOGLEVEL_INFO);
    return before !== 0 && sectors !== 0;
  }

  private state(disk: Ptr, bit: bigint, on: boolean): void {
    const type = this.k.struct('gendisk');
    const before = type.getBig(disk, 'state');
    type.setBig(disk, 'state', on ? before | bit : before & ~bit);
  }

  /** The class `block` and the type of disks, made with the first disk. */
  private *prepare(): Sleepable<void> {
    const { k } = this;
    if (this.ready) return;
    this.ready = true;
    const blockClass = k.symbol('block_class');
    k.struct('class').set(blockClass, 'name', k.constantString('block'));
    yield* registerLate(k, blockClass);
    const type = k.struct('device_type');
    this.diskType = k.permanent(type.size);
    type.set(this.diskType, 'name', k.constantString('disk'));
    type.bind(this.diskType, 'release', 'disk_release', (device: Ptr) => this.release(device));
  }
}
