import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { MAJOR, MINOR, MKDEV } from '../abi/device-number.js';
import { list } from '../abi/list.js';
import { CharRegions } from '../drivers/base/char-regions.js';
import { Devices } from '../drivers/base/core.js';
import { EBUSY, ENXIO } from '../errno.js';
import type { Holding } from '../holding.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { Kobjects } from '../kobject/kobject.js';
import type { Subsystem } from '../subsystem.js';
import { warn } from '../warn.js';
import { fileOperations } from './guest-ops.js';
import { GuestServer } from './guest-server.js';
import type { FileServer, MaybeSleeps, OpenFile } from './open-file.js';
import { OpenFiles } from './open-files.js';

/** A character device driver of the base kernel itself. */
type HostDriver = (open: OpenFile, inode: Ptr) => MaybeSleeps<FileServer | number>;

interface Range {
  readonly first: number;
  readonly count: number;
  /** struct cdev of a module's device. */
  readonly cdev: Ptr;
  readonly driver: HostDriver | undefined;
}

/** Character devices: the map from device numbers to struct cdev, and opening one (fs/char_dev.c). */
export class CharDevices implements Subsystem {
  private readonly ranges: Range[] = [];
  private defaultType = 0;
  private dynamicType = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    cdev_init: (cdev: Ptr, operations: Ptr) => this.init(cdev, operations),
    cdev_alloc: () => this.alloc(),
    cdev_add: (cdev: Ptr, first: number, count: number) => this.add(cdev, first, count),
    cdev_del: (cdev: Ptr) => this.del(cdev),
    cdev_set_parent: (cdev: Ptr, kobject: Ptr) => this.k.struct('cdev').set(cdev, 'kobj.parent', kobject),
    cdev_device_add: (cdev: Ptr, device: Ptr) => this.deviceAdd(cdev, device),
    cdev_device_del: (cdev: Ptr, device: Ptr) => this.deviceDel(cdev, device),
    __register_chrdev: (major: number, minor: number, count: number, name: Ptr, operations: Ptr) =>
      this.register(major, minor, count, name, operations),
    __unregister_chrdev: (major: number, minor: number, count: number, _name: Ptr) =>
      this.unregister(major, minor, count),
  };

  *holds(): Generator<Holding> {
    const type = this.k.struct('cdev');
    for (const { first, cdev } of this.ranges) {
      if (cdev === 0 || !this.k.space.canRead(cdev, type.size)) continue;
      const uses = [type.get(cdev, 'ops'), type.get(cdev, 'owner')];
      yield { kind: 'character device', at: cdev, uses, name: () => `${MAJOR(first)}:${MINOR(first)}` };
    }
  }

  /** Serves device numbers from TypeScript: memory devices, misc, the console. */
  addDriver(major: number, minor: number, count: number, driver: HostDriver): void {
    this.ranges.push({ first: MKDEV(major, minor), count, cdev: 0, driver });
  }

  /** chrdev_open(): finds the device and lets its driver open it. */
  *open(open: OpenFile, inode: Ptr): Sleepable<FileServer | number> {
    const { k } = this;
    const inodes = k.struct('inode');
    const range = this.lookUp(inodes.get(inode, 'i_rdev'));
    if (!range) return -ENXIO;
    if (range.driver) return yield* this.k.wait(range.driver(open, inode));
    const { cdev } = range;
    if (!this.get(cdev)) return -ENXIO;
    const type = k.struct('cdev');
    if (inodes.get(inode, 'i_cdev') === 0) {
      inodes.set(inode, 'i_cdev', cdev);
      list.add(k.space, inodes.addr(inode, 'i_devices'), type.addr(cdev, 'list'));
    }
    const table = k.get(OpenFiles).getOperations(type.get(cdev, 'ops'));
    if (table === 0) {
      yield* this.put(cdev);
      return -ENXIO;
    }
    k.struct('file').set(open.file, 'f_op', table);
    return yield* this.openWith(open, inode, cdev);
  }

  /** Calls f_op->open of a file whose operations were chosen. `cdev` is put when it fails, or on release. */
  *openWith(open: OpenFile, inode: Ptr, cdev: Ptr): Sleepable<FileServer | number> {
    const operations = fileOperations(this.k, open.file);
    const result = operations.get('open') === 0 ? 0 : yield* operations.call('open', inode, open.file);
    if (result !== 0) {
      if (cdev !== 0) yield* this.put(cdev);
      return result;
    }
    return new CharServer(this.k, operations, cdev);
  }

  *put(cdev: Ptr): Sleepable<void> {
    const type = this.k.struct('cdev');
    const owner = type.get(cdev, 'owner');
    yield* this.k.get(Kobjects).put(type.addr(cdev, 'kobj'));
    this.k.get(Modules).putStruct(owner);
  }

  private get(cdev: Ptr): boolean {
    const type = this.k.struct('cdev');
    if (!this.k.get(Modules).tryGet(type.get(cdev, 'owner'))) return false;
    const references = type.get(cdev, 'kobj.kref.refcount.refs.counter');
    if (references > 0) type.set(cdev, 'kobj.kref.refcount.refs.counter', references + 1);
    else this.k.get(Modules).putStruct(type.get(cdev, 'owner'));
    return references > 0;
  }

  /** The narrowest range that covers a number, as kobj_lookup() finds it. */
  private lookUp(device: number): Range | undefined {
    let best: Range | undefined;
    for (const range of this.ranges)
      if (device >= range.first && device < range.first + range.count && (!best || range.count < best.count))
        best = range;
    return best;
  }

  private init(cdev: Ptr, operations: Ptr): void {
    const type = this.k.struct('cdev');
    this.k.space.writable(cdev, type.size).fill(0);
    list.init(this.k.space, type.addr(cdev, 'list'));
    this.initObject(cdev, this.typeOf('cdev_default_release'));
    type.set(cdev, 'ops', operations);
  }

  private alloc(): Ptr {
    const type = this.k.struct('cdev');
    const cdev = this.k.slab.allocateBytes(type.size, true);
    if (cdev === 0) return 0;
    list.init(this.k.space, type.addr(cdev, 'list'));
    this.initObject(cdev, this.typeOf('cdev_dynamic_release'));
    return cdev;
  }

  private initObject(cdev: Ptr, kobjType: Ptr): void {
    this.k.get(Kobjects).init(this.k.struct('cdev').addr(cdev, 'kobj'), kobjType);
  }

  private add(cdev: Ptr, first: number, count: number): number {
    const type = this.k.struct('cdev');
    type.set(cdev, 'dev', first);
    type.set(cdev, 'count', count);
    if (first === 0) {
      warn(this.k, '', 'fs/char_dev.c', 'cdev_add');
      return -EBUSY;
    }
    this.k.origins.note(cdev);
    this.ranges.unshift({ first, count, cdev, driver: undefined });
    this.k.get(Kobjects).get(type.get(cdev, 'kobj.parent'));
    return 0;
  }

  private *del(cdev: Ptr): Sleepable<void> {
    const type = this.k.struct('cdev');
    const first = type.get(cdev, 'dev');
    const index = this.ranges.findIndex((range) => range.cdev === cdev && range.first === first);
    if (index >= 0) this.ranges.splice(index, 1);
    yield* this.k.get(Kobjects).put(type.addr(cdev, 'kobj'));
  }

  private *deviceAdd(cdev: Ptr, device: Ptr): Sleepable<number> {
    const devices = this.k.struct('device');
    const number = devices.get(device, 'devt');
    if (number !== 0) {
      this.k.struct('cdev').set(cdev, 'kobj.parent', devices.addr(device, 'kobj'));
      const error = this.add(cdev, number, 1);
      if (error !== 0) return error;
    }
    const error = yield* this.k.get(Devices).add(device);
    if (error !== 0 && number !== 0) yield* this.del(cdev);
    return error;
  }

  private *deviceDel(cdev: Ptr, device: Ptr): Sleepable<void> {
    yield* this.k.get(Devices).del(device);
    if (this.k.struct('device').get(device, 'devt') !== 0) yield* this.del(cdev);
  }

  private *register(
    major: number,
    minor: number,
    count: number,
    name: Ptr,
    operations: Ptr,
  ): Sleepable<number> {
    const regions = this.k.get(CharRegions);
    const region = regions.claim(major, minor, count, this.k.space.cstring(name));
    if (typeof region === 'number') return region;
    const type = this.k.struct('cdev');
    const cdev = this.alloc();
    type.set(cdev, 'owner', this.k.struct('file_operations').get(operations, 'owner'));
    type.set(cdev, 'ops', operations);
    const error = this.add(cdev, MKDEV(region.major, minor), count);
    if (error !== 0) {
      yield* this.k.get(Kobjects).put(type.addr(cdev, 'kobj'));
      regions.release(region.major, minor, count);
      return error;
    }
    region.cdev = cdev;
    return major === 0 ? region.major : 0;
  }

  private *unregister(major: number, minor: number, count: number): Sleepable<void> {
    const region = this.k.get(CharRegions).release(major, minor, count);
    if (region && region.cdev !== 0) yield* this.del(region.cdev);
  }

  /** A kobj_type whose release runs when the last reference to a cdev is dropped. */
  private typeOf(release: 'cdev_default_release' | 'cdev_dynamic_release'): Ptr {
    const dynamic = release === 'cdev_dynamic_release';
    const known = dynamic ? this.dynamicType : this.defaultType;
    if (known !== 0) return known;
    const { k } = this;
    const kobjType = k.permanent(k.sizeOf('kobj_type'));
    k.struct('kobj_type').bind(kobjType, 'release', release, (kobject: Ptr) =>
      this.released(kobject, dynamic),
    );
    if (dynamic) this.dynamicType = kobjType;
    else this.defaultType = kobjType;
    return kobjType;
  }

  private *released(kobject: Ptr, dynamic: boolean): Sleepable<void> {
    const { k } = this;
    const type = k.struct('cdev');
    const cdev = type.of(kobject, 'kobj');
    const parent = k.struct('kobject').get(kobject, 'parent');
    const inodes = k.struct('inode');
    for (const link of list.entries(k.space, type.addr(cdev, 'list'))) {
      list.delInit(k.space, link);
      inodes.set(inodes.of(link, 'i_devices'), 'i_cdev', 0);
    }
    if (dynamic) k.slab.free(cdev);
    yield* k.get(Kobjects).put(parent);
  }
}

/** An open character device of a module: also holds a reference to its cdev. */
class CharServer extends GuestServer {
  constructor(
    private readonly kernel: LinuxKernel,
    operations: ConstructorParameters<typeof GuestServer>[1],
    private readonly cdev: Ptr,
  ) {
    super(kernel, operations);
  }

  override *release(open: OpenFile): Sleepable<void> {
    yield* super.release(open);
    if (this.cdev !== 0) yield* this.kernel.get(CharDevices).put(this.cdev);
  }
}
