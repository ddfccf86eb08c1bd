import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EBUSY, EINVAL, ENOMEM, EOPNOTSUPP } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { lowestFree } from '../../lib/lowest-free.js';
import { Mutexes } from '../../locking/mutex.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Devices } from '../base/core.js';
import { DeviceStates, putDevice } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { I2cBus } from './i2c-bus.js';

const LOCK_OPS = 'i2c_adapter_lock_ops';

/** Addresses of 7 bits that clients may have (include/linux/i2c.h). */
const LAST_ADDRESS = 0x7f;
const TEN_BIT = 0x10;
const HZ_KEY = 'CONFIG_HZ';

/** I2C adapters and the clients on them (drivers/i2c/i2c-core-base.c). */
export class I2cAdapters implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  private readonly adapters = new Map<number, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    i2c_add_adapter: (adapter: Ptr) => this.add(adapter, lowestFree(this.adapters)),
    i2c_add_numbered_adapter: (adapter: Ptr) => this.addNumbered(adapter),
    devm_i2c_add_adapter: (device: Ptr, adapter: Ptr) => this.addManaged(device, adapter),
    i2c_del_adapter: (adapter: Ptr) => this.remove(adapter),
    i2c_get_adapter: (number: number) => this.adapters.get(number) ?? 0,
    i2c_put_adapter: nothing('adapters are not counted', undefined),
    i2c_new_client_device: (adapter: Ptr, info: Ptr) => this.newClient(adapter, info),
    i2c_new_dummy_device: (adapter: Ptr, address: number) => this.newDummy(adapter, address),
    i2c_unregister_device: (client: Ptr) => this.unregisterClient(client),
    __i2c_transfer: (adapter: Ptr, messages: Ptr, count: number) => this.transfer(adapter, messages, count),
    i2c_transfer: (adapter: Ptr, messages: Ptr, count: number) => this.transfer(adapter, messages, count),
  };

  private *addNumbered(adapter: Ptr): Sleepable<number> {
    const wanted = this.k.struct('i2c_adapter').get(adapter, 'nr');
    if (wanted === -1) return yield* this.add(adapter, lowestFree(this.adapters));
    if (this.adapters.has(wanted)) return -EBUSY;
    return yield* this.add(adapter, wanted);
  }

  private *addManaged(device: Ptr, adapter: Ptr): Sleepable<number> {
    const error = yield* this.add(adapter, lowestFree(this.adapters));
    if (error === 0) this.k.get(Devres).addHost(device, adapter, () => this.remove(adapter));
    return error;
  }

  /** i2c_register_adapter() */
  private *add(adapter: Ptr, number: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('i2c_adapter');
    if (type.text(adapter, 'name') === '') {
      warn(k, 'i2c adapter has no name', 'drivers/i2c/i2c-core-base.c', 'i2c_register_adapter');
      return -EINVAL;
    }
    if (type.get(adapter, 'algo') === 0) {
      k.log.line(`adapter '${type.text(adapter, 'name')}': no algo supplied!`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    type.set(adapter, 'nr', number);
    this.adapters.set(number, adapter);
    list.init(k.space, type.addr(adapter, 'userspace_clients'));
    k.get(Mutexes).init(type.addr(adapter, 'userspace_clients_lock'));
    // What the target's own code locks a bus with: where it does not run, nobody looks.
    if (type.get(adapter, 'lock_ops') === 0 && k.hasSymbol(LOCK_OPS))
      type.set(adapter, 'lock_ops', k.symbol(LOCK_OPS));
    if (type.get(adapter, 'timeout') === 0) type.set(adapter, 'timeout', Number(k.target.config.get(HZ_KEY)));
    const device = type.addr(adapter, 'dev');
    const devices = k.get(Devices);
    devices.setName(device, `i2c-${number}`);
    type.set(adapter, 'dev.bus', k.get(I2cBus).bus.bus);
    type.set(adapter, 'dev.type', k.get(I2cBus).adapterType);
    k.struct('device_type').bind(
      k.get(I2cBus).adapterType,
      'release',
      'i2c_adapter_dev_release',
      () => undefined,
    );
    const error = yield* devices.register(device);
    if (error) this.adapters.delete(number);
    return error;
  }

  private *remove(adapter: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('i2c_adapter');
    const number = type.get(adapter, 'nr');
    if (this.adapters.get(number) !== adapter) return;
    const device = type.addr(adapter, 'dev');
    const bus = k.get(I2cBus);
    for (const child of [...k.get(DeviceStates).of(device).children])
      if (bus.isClient(child)) yield* this.unregisterClient(bus.bus.deviceOf(child));
    yield* k.get(Devices).unregister(device);
    this.adapters.delete(number);
    k.space.writable(device, k.sizeOf('device')).fill(0);
  }

  private *newDummy(adapter: Ptr, address: number): Sleepable<Ptr> {
    const type = this.k.struct('i2c_board_info');
    const info = this.k.slab.allocateBytes(type.size, true);
    type.setText(info, 'type', 'dummy');
    type.set(info, 'addr', address);
    const client = yield* this.newClient(adapter, info);
    this.k.slab.free(info);
    return client;
  }

  /** i2c_new_client_device(): a client, or an ERR_PTR. */
  private *newClient(adapter: Ptr, info: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('i2c_client');
    const board = k.struct('i2c_board_info');
    const parent = k.struct('i2c_adapter').addr(adapter, 'dev');
    const client = k.slab.allocateBytes(type.size, true);
    if (client === 0) return errPtr(ENOMEM);
    const address = board.get(info, 'addr');
    const flags = board.get(info, 'flags');
    type.set(client, 'adapter', adapter);
    type.set(client, 'dev.platform_data', board.get(info, 'platform_data'));
    type.set(client, 'flags', flags);
    type.set(client, 'addr', address);
    type.set(client, 'init_irq', board.get(info, 'irq'));
    type.setText(client, 'name', board.text(info, 'type'));
    const bad = this.addressError(parent, address, flags);
    if (bad) {
      k.slab.free(client);
      return errPtr(bad);
    }
    const bus = k.get(I2cBus);
    const members = { 'dev.parent': parent, 'dev.bus': bus.bus.bus, 'dev.type': bus.clientType };
    for (const [member, value] of Object.entries(members)) type.set(client, member, value);
    type.set(client, 'dev.fwnode', board.get(info, 'fwnode'));
    k.struct('device_type').bind(bus.clientType, 'release', 'i2c_client_dev_release', (at: Ptr) =>
      k.slab.free(type.of(at, 'dev')),
    );
    const device = type.addr(client, 'dev');
    const number = k.struct('i2c_adapter').get(adapter, 'nr');
    const shown = (flags & TEN_BIT ? address | 0xa000 : address).toString(16).padStart(4, '0');
    const named = board.string(info, 'dev_name');
    k.get(Devices).setName(device, named === '' ? `${number}-${shown}` : `i2c-${named}`);
    const error = yield* k.get(Devices).register(device);
    if (error === 0) return client;
    yield* putDevice(k, device);
    return errPtr(-error);
  }

  /** Why a client cannot have that address; 0 if it can. */
  private addressError(adapter: Ptr, address: number, flags: number): number {
    const { k } = this;
    if ((flags & TEN_BIT) === 0 && (address === 0 || address > LAST_ADDRESS)) return EINVAL;
    const bus = k.get(I2cBus);
    const taken = k
      .get(DeviceStates)
      .of(adapter)
      .children.some(
        (child) =>
          bus.isClient(child) && k.struct('i2c_client').get(bus.bus.deviceOf(child), 'addr') === address,
      );
    return taken ? EBUSY : 0;
  }

  private *unregisterClient(client: Ptr): Sleepable<void> {
    if (client === 0 || isErr(client)) return;
    yield* this.k.get(Devices).unregister(this.k.struct('i2c_client').addr(client, 'dev'));
  }

  /** __i2c_transfer() */
  private *transfer(adapter: Ptr, messages: Ptr, count: number): Sleepable<number> {
    const { k } = this;
    const algorithm = k.struct('i2c_adapter').get(adapter, 'algo');
    const type = k.struct('i2c_algorithm');
    if (algorithm === 0 || type.get(algorithm, 'master_xfer') === 0) return -EOPNOTSUPP;
    return yield* type.call(algorithm, 'master_xfer', adapter, messages, count);
  }
}
