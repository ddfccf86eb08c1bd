import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { MINOR, MKDEV } from '../../abi/device-number.js';
import { list } from '../../abi/list.js';
import { CharRegions } from '../../drivers/base/char-regions.js';
import { DeviceExports } from '../../drivers/base/core-exports.js';
import { createDevice } from '../../drivers/base/host-class.js';
import { EBUSY, ENODEV } from '../../errno.js';
import { isErr, ptrErr } from '../../errors.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { CharDevices } from '../char-dev.js';
import { registerClass } from '../classes.js';
import type { FileServer, OpenFile } from '../open-file.js';
import { OpenFiles } from '../open-files.js';

const MISC_MAJOR = 10;
const MISC_DYNAMIC_MINOR = 255;
/** Dynamic minors are given from the top of this many downwards (drivers/char/misc.c). */
const DYNAMIC_MINORS = 128;
/**
 * What makes the kernel image itself take a dynamic minor at boot: vga_arbiter, userfaultfd, cpu_dma_latency. Those devices
 * are not there, but their numbers are given away.
 */
const BUILT_IN = ['CONFIG_VGA_ARB', 'CONFIG_USERFAULTFD', 'CONFIG_CPU_IDLE'];

/** Miscellaneous character devices: one major, a minor for each driver (drivers/char/misc.c). */
export class MiscDevices implements Subsystem {
  private readonly devices: Ptr[] = [];
  private readonly dynamic = new Set<number>();
  private miscClass: Ptr = 0;
  private listHead: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    misc_register: (misc: Ptr) => this.register(misc),
    misc_deregister: (misc: Ptr) => this.deregister(misc),
  };

  *holds(): Generator<Holding> {
    const type = this.k.struct('miscdevice');
    for (const held of heldStructs(
      this.k,
      { kind: 'misc device', struct: 'miscdevice', name: 'name', uses: ['fops'] },
      this.devices,
    ))
      yield { ...held, parts: [type.get(held.at, 'this_device')] };
  }

  boot(): void {
    const { k } = this;
    this.listHead = k.hasSymbol('misc_list') ? k.symbol('misc_list') : k.permanent(16);
    list.init(k.space, this.listHead);
    for (const option of BUILT_IN) if (k.configured(option)) this.dynamic.add(this.freeMinor()!);
    k.get(CharRegions).claim(MISC_MAJOR, 0, 256, 'misc');
    k.get(CharDevices).addDriver(MISC_MAJOR, 0, 256, (open, inode) => this.open(open, inode));
  }

  /** Lines of /proc/misc. */
  text(): string {
    const type = this.k.struct('miscdevice');
    return this.devices
      .map((misc) => `${String(type.get(misc, 'minor')).padStart(3)} ${type.string(misc, 'name')}\n`)
      .join('');
  }

  /** The struct miscdevice of every registered device. */
  registered(): readonly Ptr[] {
    return this.devices;
  }

  private *open(open: OpenFile, inode: Ptr): Sleepable<FileServer | number> {
    const { k } = this;
    const type = k.struct('miscdevice');
    const minor = MINOR(k.struct('inode').get(inode, 'i_rdev'));
    let misc = this.find(minor);
    if (misc === undefined) {
      const request = this.requestModule;
      if (request) yield* request(`char-major-${MISC_MAJOR}-${minor}`);
      misc = this.find(minor);
    }
    const table = misc === undefined ? 0 : k.get(OpenFiles).getOperations(type.get(misc, 'fops'));
    if (misc === undefined || table === 0) return -ENODEV;
    const files = k.struct('file');
    files.set(open.file, 'private_data', misc);
    files.set(open.file, 'f_op', table);
    return yield* k.get(CharDevices).openWith(open, inode, 0);
  }

  /** Loads a module by name when a device that nobody serves is opened; set by the machine. */
  requestModule: ((name: string) => Sleepable<number>) | undefined;

  private find(minor: number): Ptr | undefined {
    const type = this.k.struct('miscdevice');
    return this.devices.find((misc) => type.get(misc, 'minor') === minor);
  }

  private *register(misc: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('miscdevice');
    list.init(k.space, type.addr(misc, 'list'));
    const dynamic = type.get(misc, 'minor') === MISC_DYNAMIC_MINOR;
    if (dynamic) {
      const minor = this.freeMinor();
      if (minor === undefined) return -EBUSY;
      type.set(misc, 'minor', minor);
      this.dynamic.add(minor);
    } else if (this.find(type.get(misc, 'minor')) !== undefined) return -EBUSY;
    const minor = type.get(misc, 'minor');
    const device = yield* this.createDevice(misc, minor);
    if (isErr(device)) {
      if (dynamic) {
        this.dynamic.delete(minor);
        type.set(misc, 'minor', MISC_DYNAMIC_MINOR);
      }
      return ptrErr(device);
    }
    type.set(misc, 'this_device', device);
    list.add(k.space, type.addr(misc, 'list'), this.listHead);
    this.k.origins.note(misc);
    this.devices.unshift(misc);
    return 0;
  }

  private *deregister(misc: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('miscdevice');
    const index = this.devices.indexOf(misc);
    // One that was taken out before has poisoned links, which list_del() does not forgive.
    if (index < 0 && list.isEmpty(k.space, type.addr(misc, 'list'))) {
      warn(k, '', 'drivers/char/misc.c', 'misc_deregister');
      return;
    }
    list.del(k.space, type.addr(misc, 'list'));
    if (index >= 0) this.devices.splice(index, 1);
    const minor = type.get(misc, 'minor');
    yield* k.get(DeviceExports).destroy(yield* this.class(), MKDEV(MISC_MAJOR, minor));
    this.dynamic.delete(minor);
  }

  private *createDevice(misc: Ptr, minor: number): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('miscdevice');
    return yield* createDevice(k, yield* this.class(), {
      parent: type.get(misc, 'parent'),
      devt: MKDEV(MISC_MAJOR, minor),
      data: misc,
      groups: type.get(misc, 'groups'),
      // "%s" of NULL.
      name: type.get(misc, 'name') === 0 ? '(null)' : type.string(misc, 'name'),
    });
  }

  private freeMinor(): number | undefined {
    for (let minor = DYNAMIC_MINORS - 1; minor >= 0; minor--) if (!this.dynamic.has(minor)) return minor;
    return undefined;
  }

  /** The device class `misc`, registered with the first device. */
  private *class(): Sleepable<Ptr> {
    const { k } = this;
    if (this.miscClass !== 0) return this.miscClass;
    this.miscClass = yield* registerClass(k, 'misc', (device, mode) => this.devnode(device, mode));
    return this.miscClass;
  }

  /** misc_devnode(): the node's name and mode where the driver asked for some. */
  private devnode(device: Ptr, mode: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('miscdevice');
    const misc = k.struct('device').get(device, 'driver_data');
    if (misc === 0) return 0;
    const wanted = type.get(misc, 'mode');
    if (mode !== 0 && wanted !== 0) k.space.store16(mode, wanted);
    const name = type.string(misc, 'nodename');
    if (name === '') return 0;
    const copy = k.slab.allocateBytes(name.length + 1, false);
    if (copy !== 0) k.space.storeCstring(copy, name);
    return copy;
  }
}
