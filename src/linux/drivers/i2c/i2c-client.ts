import type { Ptr } from '../../../cpu/layout.js';
import { partly } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { withLocals } from '../../../kernel/task/locals.js';
import { IORESOURCE_IRQ, resourceType } from '../../abi/ioport.js';
import { EBUSY, EINVAL, ENOMEM } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import type { Subsystem } from '../../subsystem.js';
import { BusRegistry } from '../base/bus-registry.js';
import { Devices } from '../base/core.js';
import { DeviceStates, getDevice, kobjOf, putDevice } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { SoftwareNodes } from '../firmware/software-node.js';
import { I2cBus } from './i2c-bus.js';
import {
  I2C_ADDR_OFFSET_SLAVE,
  I2C_ADDR_OFFSET_TEN_BIT,
  I2C_CLIENT_SLAVE,
  I2C_CLIENT_TEN,
} from './i2c-flags.js';

const LAST_7_BITS = 0x7f;
const LAST_10_BITS = 0x3ff;
/** Name of clients that only keep an address, and of the driver that they have. */
const DUMMY = 'dummy';

/** Chips on adapters: made, found and taken away (drivers/i2c/i2c-core-base.c). */
export class I2cClients implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    i2c_new_client_device: (adapter: Ptr, info: Ptr) => this.create(adapter, info),
    i2c_new_dummy_device: (adapter: Ptr, address: number) => this.createDummy(adapter, address),
    devm_i2c_new_dummy_device: (device: Ptr, adapter: Ptr, address: number) =>
      this.createManagedDummy(device, adapter, address),
    i2c_new_ancillary_device: partly(
      'no firmware names addresses',
      (client: Ptr, _name: Ptr, address: number) =>
        this.createDummy(this.k.struct('i2c_client').get(client, 'adapter'), address),
    ),
    i2c_unregister_device: (client: Ptr) => this.remove(client),
    i2c_find_device_by_fwnode: (node: Ptr) => this.byNode(node),
    i2c_clients_command: (adapter: Ptr, command: number, argument: Ptr) =>
      this.command(adapter, command, argument),
  };

  private get type() {
    return this.k.struct('i2c_client');
  }

  /** Its address as sysfs has it: what kind of address it is stands in it. */
  encodedAddress(client: Ptr): number {
    const flags = this.type.get(client, 'flags');
    const ten = flags & I2C_CLIENT_TEN ? I2C_ADDR_OFFSET_TEN_BIT : 0;
    const slave = flags & I2C_CLIENT_SLAVE ? I2C_ADDR_OFFSET_SLAVE : 0;
    return this.type.get(client, 'addr') | ten | slave;
  }

  /** The clients of an adapter, in the order in which they came. */
  of(adapter: Ptr): Ptr[] {
    const { k } = this;
    const bus = k.get(I2cBus);
    const { children } = k.get(DeviceStates).of(k.struct('i2c_adapter').addr(adapter, 'dev'));
    return children.filter((child) => bus.isClient(child)).map((child) => bus.bus.deviceOf(child));
  }

  /** The client of an adapter that has an address of 7 bits. */
  at(adapter: Ptr, address: number): Ptr | undefined {
    return this.of(adapter).find((client) => this.encodedAddress(client) === address);
  }

  isDummy(client: Ptr): boolean {
    return this.type.text(client, 'name') === DUMMY;
  }

  /** i2c_new_client_device() with a struct i2c_board_info of its own. */
  *createFor(adapter: Ptr, board: { readonly type: string; readonly addr: number; readonly irq?: number }) {
    const { k } = this;
    const type = k.struct('i2c_board_info');
    const self = this;
    return yield* withLocals(k, type.size, function* (info) {
      type.setText(info, 'type', board.type);
      type.set(info, 'addr', board.addr);
      type.set(info, 'irq', board.irq ?? 0);
      return yield* self.create(adapter, info);
    });
  }

  private *createDummy(adapter: Ptr, addr: number): Sleepable<Ptr> {
    return yield* this.createFor(adapter, { type: DUMMY, addr });
  }

  private *createManagedDummy(device: Ptr, adapter: Ptr, address: number): Sleepable<Ptr> {
    const client = yield* this.createDummy(adapter, address);
    if (!isErr(client)) this.k.get(Devres).addHost(device, client, () => this.remove(client));
    return client;
  }

  /** i2c_new_client_device(): a client, or an ERR_PTR. */
  *create(adapter: Ptr, info: Ptr): Sleepable<Ptr> {
    const { k, type } = this;
    const board = k.struct('i2c_board_info');
    const parent = k.struct('i2c_adapter').addr(adapter, 'dev');
    const client = k.slab.allocateBytes(type.size, true);
    if (client === 0) return errPtr(ENOMEM);
    type.set(client, 'adapter', adapter);
    type.set(client, 'dev.platform_data', board.get(info, 'platform_data'));
    type.set(client, 'flags', board.get(info, 'flags'));
    type.set(client, 'addr', board.get(info, 'addr'));
    type.set(client, 'init_irq', board.get(info, 'irq') || this.irqOf(info));
    type.setText(client, 'name', board.text(info, 'type'));
    const invalid = this.invalidAddress(client);
    const busy = invalid === undefined && this.isBusy(adapter, this.encodedAddress(client));
    if (invalid !== undefined) this.complain(parent, invalid);
    if (busy) this.complainUnregistered(parent, client, EBUSY);
    if (invalid !== undefined || busy) {
      k.slab.free(client);
      return errPtr(busy ? EBUSY : EINVAL);
    }
    const error = yield* this.register(client, parent, info);
    if (error === 0) return client;
    this.complainUnregistered(parent, client, -error);
    yield* putDevice(k, type.addr(client, 'dev'));
    return errPtr(-error);
  }

  private *register(client: Ptr, parent: Ptr, info: Ptr): Sleepable<number> {
    const { k, type } = this;
    const board = k.struct('i2c_board_info');
    const bus = k.get(I2cBus);
    const members = { 'dev.parent': parent, 'dev.bus': bus.bus.bus, 'dev.type': bus.clientType };
    for (const [member, value] of Object.entries(members)) type.set(client, member, value);
    type.set(client, 'dev.fwnode', board.get(info, 'fwnode'));
    k.struct('device_type').bind(bus.clientType, 'release', 'i2c_client_dev_release', (at: Ptr) =>
      k.slab.free(type.of(at, 'dev')),
    );
    const device = type.addr(client, 'dev');
    const software = board.get(info, 'swnode');
    if (software !== 0) {
      k.get(Devices).setName(device, board.text(info, 'type'));
      const error = yield* k.wait(k.get(SoftwareNodes).addToDevice(device, software));
      if (error) {
        const name = type.text(client, 'name');
        this.complain(parent, `Failed to add software node to client ${name}: ${error}`);
        return error;
      }
    }
    k.get(Devices).setName(device, this.nameOf(client, board.string(info, 'dev_name')));
    const error = yield* k.get(Devices).register(device);
    if (error === 0) this.addFiles(client);
    return error;
  }

  private nameOf(client: Ptr, given: string): string {
    if (given !== '') return `i2c-${given}`;
    const number = this.k.struct('i2c_adapter').get(this.type.get(client, 'adapter'), 'nr');
    return `${number}-${this.encodedAddress(client).toString(16).padStart(4, '0')}`;
  }

  private addFiles(client: Ptr): void {
    const { k, type } = this;
    const directory = k.get(Sysfs).directoryOf(kobjOf(k, type.addr(client, 'dev')))!;
    const name = (): string => type.text(client, 'name');
    k.get(Sysfs).addText(directory, 'name', 0o444, () => `${name()}\n`);
    k.get(Sysfs).addText(directory, 'modalias', 0o444, () => `i2c:${name()}\n`);
  }

  /** i2c_dev_irq_from_resources(): the first interrupt among a board's resources, 0 where there is none. */
  private irqOf(info: Ptr): number {
    const { k } = this;
    const board = k.struct('i2c_board_info');
    const resource = k.struct('resource');
    const first = board.get(info, 'resources');
    for (let i = 0; i < board.get(info, 'num_resources'); i++) {
      const at = first + i * resource.size;
      if (resourceType(resource.get(at, 'flags')) === IORESOURCE_IRQ) return resource.get(at, 'start');
    }
    return 0;
  }

  /** i2c_check_addr_validity(): what is wrong with an address. */
  private invalidAddress(client: Ptr): string | undefined {
    const address = this.type.get(client, 'addr');
    const ten = (this.type.get(client, 'flags') & I2C_CLIENT_TEN) !== 0;
    const valid = ten ? address <= LAST_10_BITS : address > 0 && address <= LAST_7_BITS;
    if (valid) return undefined;
    const shown = address.toString(16).padStart(2, '0');
    return `Invalid ${ten ? 10 : 7}-bit I2C address 0x${shown}`;
  }

  /** i2c_check_addr_busy(): whether somebody has an address, as sysfs has it, on the adapter or one that a mux connects to it. */
  isBusy(adapter: Ptr, address: number): boolean {
    const { k } = this;
    const bus = k.get(I2cBus);
    const device = k.struct('i2c_adapter').addr(adapter, 'dev');
    const has = (at: Ptr): boolean =>
      bus.isClient(at) && this.encodedAddress(bus.bus.deviceOf(at)) === address;
    const below = (at: Ptr): boolean =>
      bus.isAdapter(at) ? k.get(DeviceStates).of(at).children.some(below) : has(at);
    const parentOf = (at: Ptr): Ptr => k.struct('device').get(at, 'parent');
    for (let at = parentOf(device); at !== 0 && bus.isAdapter(at); at = parentOf(at))
      if (k.get(DeviceStates).of(at).children.some(has)) return true;
    return below(device);
  }

  /** i2c_unregister_device() */
  *remove(client: Ptr): Sleepable<void> {
    if (client === 0 || isErr(client)) return;
    const { k } = this;
    const device = this.type.addr(client, 'dev');
    yield* k.get(SoftwareNodes).removeFromDevice(device);
    yield* k.get(Devices).unregister(device);
  }

  private byNode(node: Ptr): Ptr {
    if (node === 0) return 0;
    const { k } = this;
    const bus = k.get(I2cBus);
    const devices = k.get(BusRegistry).get(bus.bus.bus)?.devices ?? [];
    const found = devices.find((device) => k.struct('device').get(device, 'fwnode') === node);
    if (found === undefined || !bus.isClient(found)) return 0;
    getDevice(k, found);
    return bus.bus.deviceOf(found);
  }

  private *command(adapter: Ptr, command: number, argument: Ptr): Sleepable<void> {
    const driverType = this.k.struct('i2c_driver');
    for (const client of this.of(adapter)) {
      if (this.type.get(client, 'dev.driver') === 0) continue;
      const driver = this.k.get(I2cBus).bus.driverFor(this.type.addr(client, 'dev'));
      if (driverType.get(driver, 'command') !== 0)
        yield* driverType.call(driver, 'command', client, command, argument);
    }
  }

  private complainUnregistered(parent: Ptr, client: Ptr, error: number): void {
    const address = this.type.get(client, 'addr').toString(16).padStart(2, '0');
    const name = this.type.text(client, 'name');
    this.complain(parent, `Failed to register i2c client ${name} at 0x${address} (-${error})`);
  }

  private complain(device: Ptr, text: string): void {
    this.k.get(DevicePrintk).device(device, LOGLEVEL_ERR, `${text}\n`);
  }
}
