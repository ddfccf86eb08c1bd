import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENODEV } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import type { Subsystem } from '../../subsystem.js';
import { BusRegistry } from '../base/bus-registry.js';
import { I2cBus } from './i2c-bus.js';
import { I2cClients } from './i2c-client.js';
import {
  FIRST_ADDRESS,
  I2C_FUNC_SMBUS_QUICK,
  I2C_FUNC_SMBUS_READ_BYTE,
  I2C_FUNC_SMBUS_READ_BYTE_DATA,
  I2C_SMBUS_BYTE,
  I2C_SMBUS_BYTE_DATA,
  I2C_SMBUS_DATA_BYTES,
  I2C_SMBUS_QUICK,
  I2C_SMBUS_READ,
  I2C_SMBUS_WRITE,
  LAST_ADDRESS,
} from './i2c-flags.js';
import { I2cSmbus } from './i2c-smbus.js';
import { I2cTransfers } from './i2c-transfer.js';

/** Classes of adapters (include/linux/i2c.h). */
const CLASS_HWMON = 1;
const CLASS_DEPRECATED = 0x100;
/** Ends a list of addresses. */
const LIST_END = 0xfffe;
/** Chips that must not be written to, and monitors of Fujitsu Siemens, which want a read. */
const isMemory = (addr: number): boolean => (addr & ~0x07) === 0x30 || (addr & ~0x0f) === 0x50;
const FSC_MONITOR = 0x73;

/** Looking for chips at addresses (drivers/i2c/i2c-core-base.c). */
export class I2cDetection implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    i2c_probe_func_quick_read: (adapter: Ptr, addr: number) => this.quickRead(adapter, addr),
    i2c_new_scanned_device: (adapter: Ptr, info: Ptr, addresses: Ptr, probe: Ptr) =>
      this.scan(adapter, info, addresses, probe),
  };

  /** A driver came: looks for its chips on every adapter. */
  *newDriver(driver: Ptr): Sleepable<void> {
    const bus = this.k.get(I2cBus);
    for (const device of [...(this.k.get(BusRegistry).get(bus.bus.bus)?.devices ?? [])])
      if (bus.isAdapter(device)) yield* this.detect(bus.adapterOf(device), driver);
  }

  /** An adapter came: looks for the chips of every driver on it. */
  *newAdapter(adapter: Ptr): Sleepable<void> {
    for (const driver of this.drivers()) yield* this.detect(adapter, driver);
  }

  /** A driver goes, or an adapter: takes what was found away. */
  *forget(which: { readonly adapter?: Ptr; readonly driver?: Ptr }): Sleepable<void> {
    const { k } = this;
    const type = k.struct('i2c_client');
    const drivers = which.driver === undefined ? this.drivers() : [which.driver];
    for (const driver of drivers)
      for (const node of [...list.entries(k.space, k.struct('i2c_driver').addr(driver, 'clients'))]) {
        const client = type.of(node, 'detected');
        if (which.adapter !== undefined && type.get(client, 'adapter') !== which.adapter) continue;
        list.del(k.space, node);
        yield* k.get(I2cClients).remove(client);
      }
  }

  private drivers(): Ptr[] {
    const bus = this.k.get(I2cBus);
    const drivers = this.k.get(BusRegistry).get(bus.bus.bus)?.drivers ?? [];
    return drivers.map((driver) => bus.bus.driverOf(driver));
  }

  /** i2c_detect() */
  private *detect(adapter: Ptr, driver: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('i2c_driver');
    const addresses = type.get(driver, 'address_list');
    if (type.get(driver, 'detect') === 0 || addresses === 0) return;
    if ((k.struct('i2c_adapter').get(adapter, 'class') & type.get(driver, 'class')) === 0) return;
    const clientType = k.struct('i2c_client');
    const client = k.slab.allocateBytes(clientType.size, true);
    if (client === 0) return;
    clientType.set(client, 'adapter', adapter);
    for (const addr of this.list(addresses)) {
      clientType.set(client, 'addr', addr);
      if ((yield* this.detectAt(adapter, client, addr, driver)) !== 0) break;
    }
    k.slab.free(client);
  }

  private *list(addresses: Ptr): Generator<number> {
    const { space } = this.k;
    for (let at = addresses; space.load16(at) !== LIST_END; at += 2) yield space.load16(at);
  }

  /** i2c_detect_address(): other than 0, the search is over. */
  private *detectAt(adapter: Ptr, client: Ptr, addr: number, driver: Ptr): Sleepable<number> {
    const { k } = this;
    const shown = addr.toString(16).padStart(2, '0');
    if (addr < FIRST_ADDRESS || addr > LAST_ADDRESS) {
      this.say(adapter, LOGLEVEL_WARNING, `Invalid probe address 0x${shown}`);
      return -EINVAL;
    }
    if (k.get(I2cClients).isBusy(adapter, addr)) return 0;
    if (!(yield* this.answers(adapter, addr))) return 0;
    const board = k.struct('i2c_board_info');
    const self = this;
    return yield* withLocals(k, board.size, function* (info) {
      board.set(info, 'addr', addr);
      const error = yield* k.struct('i2c_driver').call(driver, 'detect', client, info);
      if (error) return error === -ENODEV ? 0 : error;
      yield* self.found(adapter, info, driver);
      return 0;
    });
  }

  private *found(adapter: Ptr, info: Ptr, driver: Ptr): Sleepable<void> {
    const { k } = this;
    const board = k.struct('i2c_board_info');
    const kind = board.text(info, 'type');
    const addr = board.get(info, 'addr');
    const name = k.struct('i2c_driver').string(driver, 'driver.name');
    if (kind === '') {
      const text = `${name} detection function provided no name for 0x${addr.toString(16)}`;
      this.say(adapter, LOGLEVEL_ERR, text);
      return;
    }
    if (k.struct('i2c_adapter').get(adapter, 'class') & CLASS_DEPRECATED)
      this.say(
        adapter,
        LOGLEVEL_WARNING,
        `This adapter will soon drop class based instantiation of devices. Please make sure client 0x${addr.toString(16).padStart(2, '0')} gets instantiated by other means. Check 'Documentation/i2c/instantiating-devices.rst' for details.`,
      );
    const client = yield* k.get(I2cClients).create(adapter, info);
    if (isErr(client)) {
      this.say(adapter, LOGLEVEL_ERR, `Failed creating ${kind} at 0x${addr.toString(16).padStart(2, '0')}`);
      return;
    }
    const node = k.struct('i2c_client').addr(client, 'detected');
    list.addTail(k.space, node, k.struct('i2c_driver').addr(driver, 'clients'));
  }

  /** i2c_default_probe(): whether something is at an address. */
  private *answers(adapter: Ptr, addr: number): Sleepable<boolean> {
    const { k } = this;
    const functions = yield* k.get(I2cTransfers).functionality(adapter);
    const monitors = (k.struct('i2c_adapter').get(adapter, 'class') & CLASS_HWMON) !== 0;
    if (addr === FSC_MONITOR && monitors && functions & I2C_FUNC_SMBUS_READ_BYTE_DATA)
      return yield* this.access(adapter, addr, I2C_SMBUS_READ, I2C_SMBUS_BYTE_DATA);
    if (!isMemory(addr) && functions & I2C_FUNC_SMBUS_QUICK)
      return yield* this.access(adapter, addr, I2C_SMBUS_WRITE, I2C_SMBUS_QUICK);
    if (functions & I2C_FUNC_SMBUS_READ_BYTE)
      return yield* this.access(adapter, addr, I2C_SMBUS_READ, I2C_SMBUS_BYTE);
    const shown = addr.toString(16).toUpperCase().padStart(2, '0');
    this.say(adapter, LOGLEVEL_WARNING, `No suitable probing method supported for address 0x${shown}`);
    return false;
  }

  private *access(adapter: Ptr, addr: number, direction: number, protocol: number): Sleepable<boolean> {
    const { k } = this;
    return yield* withLocals(k, I2C_SMBUS_DATA_BYTES, function* (data) {
      const status = yield* k.get(I2cSmbus).transfer(adapter, addr, 0, direction, 0, protocol, data);
      return status >= 0;
    });
  }

  private *quickRead(adapter: Ptr, addr: number): Sleepable<number> {
    return Number(yield* this.access(adapter, addr, I2C_SMBUS_READ, I2C_SMBUS_QUICK));
  }

  /** i2c_new_scanned_device(): a client at the first address of a list at which something answers. */
  private *scan(adapter: Ptr, info: Ptr, addresses: Ptr, probe: Ptr): Sleepable<Ptr> {
    const { k } = this;
    for (const addr of this.list(addresses)) {
      if (addr < FIRST_ADDRESS || addr > LAST_ADDRESS) {
        const shown = addr.toString(16).padStart(2, '0');
        this.say(adapter, LOGLEVEL_WARNING, `Invalid 7-bit address 0x${shown}`);
        continue;
      }
      if (k.get(I2cClients).isBusy(adapter, addr)) continue;
      const there =
        probe === 0
          ? yield* this.answers(adapter, addr)
          : (yield* k.callAs('i:pH', probe, adapter, addr)) !== 0;
      if (!there) continue;
      k.struct('i2c_board_info').set(info, 'addr', addr);
      return yield* k.get(I2cClients).create(adapter, info);
    }
    return errPtr(ENODEV);
  }

  private say(adapter: Ptr, level: number, text: string): void {
    const device = this.k.struct('i2c_adapter').addr(adapter, 'dev');
    this.k.get(DevicePrintk).device(device, level, `${text}\n`);
  }
}
