import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENODEV, ENOMEM } from '../../errno.js';
import { errPtr, isErr, ptrErr } from '../../errors.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { krefInit, krefPut } from '../../kobject/kref.js';
import { freeConst } from '../../kobject/names.js';
import type { Subsystem } from '../../subsystem.js';
import { CharRegions } from '../base/char-regions.js';
import { Classes } from '../base/class.js';
import { Devices } from '../base/core.js';
import { createDevice, registerBuiltinClass } from '../base/host-class.js';

/** struct tty_driver.flags (include/linux/tty_driver.h). */
const INSTALLED = 0x01;
export const DYNAMIC_DEV = 0x08;
const DEVPTS_MEM = 0x10;
const DYNAMIC_ALLOC = 0x40;
const UNNUMBERED_NODE = 0x80;

/** Modes and characters that a terminal starts with: see termios(3), and stty(1)'s `sane`. */
const STANDARD = {
  c_iflag: 0x500,
  c_oflag: 0x5,
  c_cflag: 0x4bf,
  c_lflag: 0x8a3b,
  c_ispeed: 38400,
  c_ospeed: 38400,
} as const;
const CONTROL_CHARACTERS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0];

/** Terminal drivers and their devices (drivers/tty/tty_io.c, Documentation/driver-api/tty). */
export class TtyDrivers implements Subsystem {
  static readonly builtIn = 'CONFIG_TTY';

  private cls: Ptr = 0;
  private list: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __tty_alloc_driver: (lines: number, owner: Ptr, flags: number) => this.allocate(lines, owner, flags),
    tty_driver_kref_put: (driver: Ptr) => this.put(driver),
    destruct_tty_driver: (kref: Ptr) => this.destruct(this.k.struct('tty_driver').of(kref, 'kref')),
    tty_register_driver: (driver: Ptr) => this.register(driver),
    tty_unregister_driver: (driver: Ptr) => this.unregister(driver),
    tty_register_device: (driver: Ptr, index: number, parent: Ptr) =>
      this.registerDevice(driver, index, parent, 0, 0),
    tty_register_device_attr: (driver: Ptr, index: number, parent: Ptr, data: Ptr, groups: Ptr) =>
      this.registerDevice(driver, index, parent, data, groups),
    tty_unregister_device: (driver: Ptr, index: number) => this.unregisterDevice(driver, index),
    tty_dev_name_to_number: (name: Ptr, number: Ptr) => this.numberOf(this.k.space.cstring(name), number),
    tty_devnum: (tty: Ptr) => {
      const type = this.k.struct('tty_struct');
      return this.number(type.get(tty, 'driver'), type.get(tty, 'index'));
    },
  };

  holds(): Iterable<Holding> {
    const listed = listedStructs(this.k, 'tty_driver', 'tty_drivers', this.list);
    const what = { kind: 'terminal driver', struct: 'tty_driver', name: 'name', uses: ['ops', 'owner'] };
    return heldStructs(this.k, what, listed);
  }

  readonly data = {
    tty_std_termios: (address: Ptr) => {
      const type = this.k.struct('ktermios');
      for (const [member, value] of Object.entries(STANDARD)) type.set(address, member, value);
      this.k.space.writable(type.addr(address, 'c_cc'), CONTROL_CHARACTERS.length).set(CONTROL_CHARACTERS);
    },
  };

  boot(): void {
    const { k } = this;
    this.cls = registerBuiltinClass(k, 'tty');
    this.list = k.hasSymbol('tty_drivers') ? k.symbol('tty_drivers') : k.permanent(16);
    list.init(k.space, this.list);
  }

  /** __tty_alloc_driver(): with one reference, or an ERR_PTR. */
  allocate(lines: number, owner: Ptr, flags: number): Ptr {
    const { k } = this;
    const type = k.struct('tty_driver');
    if (lines === 0 || (flags & UNNUMBERED_NODE && lines > 1)) return errPtr(EINVAL);
    const driver = k.slab.allocateBytes(type.size, true);
    if (driver === 0) return errPtr(ENOMEM);
    krefInit(k, type.addr(driver, 'kref'));
    type.set(driver, 'num', lines);
    type.set(driver, 'owner', owner);
    type.set(driver, 'flags', flags);
    const pointers = (count: number): Ptr => k.slab.allocateBytes(count * 8, true);
    if (!(flags & DEVPTS_MEM))
      for (const array of ['ttys', 'termios']) type.set(driver, array, pointers(lines));
    if (!(flags & DYNAMIC_ALLOC)) {
      type.set(driver, 'ports', pointers(lines));
      type.set(driver, 'cdevs', pointers(lines));
    } else type.set(driver, 'cdevs', pointers(1));
    return driver;
  }

  put(driver: Ptr): void {
    const { k } = this;
    const type = k.struct('tty_driver');
    if (krefPut(k, type.addr(driver, 'kref'))) this.destruct(driver);
  }

  private destruct(driver: Ptr): void {
    const { k } = this;
    const type = k.struct('tty_driver');
    const termios = type.get(driver, 'termios');
    if (type.get(driver, 'flags') & INSTALLED && termios !== 0)
      for (let i = 0; i < type.get(driver, 'num'); i++) freeConst(k, k.space.loadPtr(termios + i * 8));
    for (const array of ['cdevs', 'ports', 'termios', 'ttys']) freeConst(k, type.get(driver, array));
    k.slab.free(driver);
  }

  /** tty_register_driver(): its numbers, and its devices unless the driver adds them itself. */
  *register(driver: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('tty_driver');
    const name = type.string(driver, 'name');
    const lines = type.get(driver, 'num');
    const region = k
      .get(CharRegions)
      .claim(type.get(driver, 'major'), type.get(driver, 'minor_start'), lines, name);
    if (typeof region === 'number') return region;
    type.set(driver, 'major', region.major);
    type.set(driver, 'minor_start', region.firstMinor);
    list.add(k.space, type.addr(driver, 'tty_drivers'), this.list);
    if (!(type.get(driver, 'flags') & DYNAMIC_DEV)) {
      for (let index = 0; index < lines; index++) {
        const device = yield* this.registerDevice(driver, index, 0, 0, 0);
        if (!isErr(device)) continue;
        for (let done = 0; done < index; done++) yield* this.unregisterDevice(driver, done);
        list.delInit(k.space, type.addr(driver, 'tty_drivers'));
        k.get(CharRegions).release(region.major, region.firstMinor, lines);
        return ptrErr(device);
      }
    }
    type.set(driver, 'flags', type.get(driver, 'flags') | INSTALLED);
    return 0;
  }

  *unregister(driver: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('tty_driver');
    const lines = type.get(driver, 'num');
    if (!(type.get(driver, 'flags') & DYNAMIC_DEV))
      for (let index = 0; index < lines; index++) yield* this.unregisterDevice(driver, index);
    k.get(CharRegions).release(type.get(driver, 'major'), type.get(driver, 'minor_start'), lines);
    list.delInit(k.space, type.addr(driver, 'tty_drivers'));
  }

  /** tty_register_device_attr(): the device, or an ERR_PTR. */
  *registerDevice(driver: Ptr, index: number, parent: Ptr, data: Ptr, groups: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('tty_driver');
    const name = type.string(driver, 'name');
    if (index >= type.get(driver, 'num')) {
      k.log.line(`${name}: Attempt to register invalid tty line number (${index})`, LOGLEVEL_ERR);
      return errPtr(EINVAL);
    }
    const suffix =
      type.get(driver, 'flags') & UNNUMBERED_NODE ? '' : String(index + type.get(driver, 'name_base'));
    const devt = this.number(driver, index);
    return yield* createDevice(k, this.cls, { parent, data, groups, devt, name: name + suffix });
  }

  *unregisterDevice(driver: Ptr, index: number): Sleepable<void> {
    const { k } = this;
    const wanted = this.number(driver, index);
    const device = k
      .get(Classes)
      .devices(this.cls)
      .find((other) => k.struct('device').get(other, 'devt') === wanted);
    if (device !== undefined) yield* k.get(Devices).unregister(device);
  }

  /** The number of a terminal by the name of its node: `ttyS0`. */
  private numberOf(name: string, slot: Ptr): number {
    const { k } = this;
    const parts = /^([^\d,]+)(\d+)$/.exec(name);
    if (!parts) return -EINVAL;
    const type = k.struct('tty_driver');
    for (const node of [...list.entries(k.space, this.list)]) {
      const driver = type.of(node, 'tty_drivers');
      if (type.string(driver, 'name') !== parts[1] || Number(parts[2]) >= type.get(driver, 'num')) continue;
      k.space.store32(slot, this.number(driver, Number(parts[2])));
      return 0;
    }
    return -ENODEV;
  }

  private number(driver: Ptr, index: number): number {
    const type = this.k.struct('tty_driver');
    return ((type.get(driver, 'major') << 20) | (type.get(driver, 'minor_start') + index)) >>> 0;
  }
}
