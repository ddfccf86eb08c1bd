import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { runNow } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { TASK_UNINTERRUPTIBLE } from '../../abi/task-state.js';
import { EBUSY, EINVAL } from '../../errno.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import { lowestFree } from '../../lib/lowest-free.js';
import { Mutexes } from '../../locking/mutex.js';
import { DevicePrintk } from '../../printk/device-printk.js';
import { Completions } from '../../sched/completion.js';
import type { Subsystem } from '../../subsystem.js';
import { hz } from '../../time/jiffies.js';
import { warn } from '../../warn.js';
import { BusRegistry } from '../base/bus-registry.js';
import { Classes } from '../base/class.js';
import { Devices } from '../base/core.js';
import { getDevice, putDevice } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { AdapterFiles } from './adapter-files.js';
import { I2cBus } from './i2c-bus.js';
import { I2cClients } from './i2c-client.js';
import { I2cDetection } from './i2c-detect.js';
import { I2C_CORE } from './i2c-flags.js';
import { I2cLocks } from './i2c-lock.js';
import { I2cRecovery } from './i2c-recovery.js';

/** I2C adapters: roots of segments that chips are on (drivers/i2c/i2c-core-base.c). */
export class I2cAdapters implements Subsystem {
  static readonly builtIn = 'CONFIG_I2C';

  private readonly adapters = new Map<number, Ptr>();
  private readonly files: AdapterFiles;
  /** /sys/class/i2c-adapter, where a target still has it. */
  private compatClass: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {
    this.files = new AdapterFiles(k);
  }

  readonly exports = {
    i2c_add_adapter: (adapter: Ptr) => this.add(adapter),
    i2c_add_numbered_adapter: (adapter: Ptr) => this.addNumbered(adapter),
    devm_i2c_add_adapter: (device: Ptr, adapter: Ptr) => this.addManaged(device, adapter),
    i2c_del_adapter: (adapter: Ptr) => this.remove(adapter),
    i2c_get_adapter: (number: number) => this.get(number),
    i2c_put_adapter: (adapter: Ptr) => this.put(adapter),
    i2c_adapter_depth: (adapter: Ptr) => this.depth(adapter),
    i2c_find_adapter_by_fwnode: (node: Ptr) => this.byNode(node),
    i2c_get_adapter_by_fwnode: (node: Ptr) => this.getByNode(node),
  };

  boot(): void {
    const { k } = this;
    if (k.configured('CONFIG_I2C_COMPAT'))
      this.compatClass = runNow(k.wait(k.get(Classes).compatRegister('i2c-adapter')));
  }

  /** The adapter of a number. */
  numbered(number: number): Ptr | undefined {
    return this.adapters.get(number);
  }

  private get type() {
    return this.k.struct('i2c_adapter');
  }

  /** i2c_add_adapter(): with the first number that is free. */
  *add(adapter: Ptr): Sleepable<number> {
    return yield* this.register(adapter, lowestFree(this.adapters));
  }

  /** i2c_add_numbered_adapter(): -EBUSY where somebody has its number. */
  *addNumbered(adapter: Ptr): Sleepable<number> {
    const wanted = this.type.get(adapter, 'nr');
    if (wanted === -1) return yield* this.add(adapter);
    if (!this.adapters.has(wanted)) return yield* this.register(adapter, wanted);
    warn(this.k, "couldn't get idr", I2C_CORE, 'i2c_add_numbered_adapter');
    return -EBUSY;
  }

  private *addManaged(device: Ptr, adapter: Ptr): Sleepable<number> {
    const error = yield* this.add(adapter);
    if (error === 0) this.k.get(Devres).addHost(device, adapter, () => this.remove(adapter));
    return error;
  }

  /** i2c_register_adapter() */
  private *register(adapter: Ptr, number: number): Sleepable<number> {
    const { k, type } = this;
    const name = type.text(adapter, 'name');
    if (name === '') {
      warn(k, 'i2c adapter has no name', I2C_CORE, 'i2c_register_adapter');
      return -EINVAL;
    }
    if (type.get(adapter, 'algo') === 0) {
      k.log.line(`i2c-core: adapter '${name}': no algo supplied!`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    type.set(adapter, 'nr', number);
    this.adapters.set(number, adapter);
    this.fill(adapter);
    const error = yield* k.get(Devices).register(type.addr(adapter, 'dev'));
    if (error) {
      k.log.line(`i2c-core: adapter '${name}': can't register device (${error})`, LOGLEVEL_ERR);
      this.adapters.delete(number);
      return error;
    }
    this.files.add(adapter);
    k.get(I2cRecovery).init(adapter);
    this.linkCompatibly(adapter);
    yield* k.get(I2cDetection).newAdapter(adapter);
    return 0;
  }

  private fill(adapter: Ptr): void {
    const { k, type } = this;
    list.init(k.space, type.addr(adapter, 'userspace_clients'));
    k.get(Mutexes).init(type.addr(adapter, 'userspace_clients_lock'));
    if (type.has('locked_flags')) type.set(adapter, 'locked_flags', 0);
    k.get(I2cLocks).init(adapter);
    if (type.get(adapter, 'timeout') === 0) type.set(adapter, 'timeout', hz(k));
    const bus = k.get(I2cBus);
    k.get(Devices).setName(type.addr(adapter, 'dev'), `i2c-${type.get(adapter, 'nr')}`);
    type.set(adapter, 'dev.bus', bus.bus.bus);
    type.set(adapter, 'dev.type', bus.adapterType);
    k.struct('device_type').bind(bus.adapterType, 'release', 'i2c_adapter_dev_release', (device: Ptr) =>
      k.get(Completions).complete(type.addr(type.of(device, 'dev'), 'dev_released')),
    );
  }

  private linkCompatibly(adapter: Ptr): void {
    if (this.compatClass === 0) return;
    const { k, type } = this;
    const device = type.addr(adapter, 'dev');
    const parent = type.get(adapter, 'dev.parent');
    if (k.get(Classes).compatLink(this.compatClass, device, parent) !== 0)
      k.get(DevicePrintk).device(device, LOGLEVEL_WARNING, 'Failed to create compatibility class link\n');
  }

  /** i2c_del_adapter() */
  *remove(adapter: Ptr): Sleepable<void> {
    const { k, type } = this;
    const number = type.get(adapter, 'nr');
    if (this.adapters.get(number) !== adapter) return;
    yield* k.get(I2cDetection).forget({ adapter });
    yield* this.files.removeClients(adapter);
    const clients = k.get(I2cClients);
    // Who made a dummy takes it away himself, as long as he is asked first.
    for (const client of clients.of(adapter)) if (!clients.isDummy(client)) yield* clients.remove(client);
    for (const client of clients.of(adapter)) yield* clients.remove(client);
    const device = type.addr(adapter, 'dev');
    if (this.compatClass !== 0)
      k.get(Classes).compatUnlink(this.compatClass, device, type.get(adapter, 'dev.parent'));
    const released = type.addr(adapter, 'dev_released');
    k.get(Completions).init(released);
    yield* k.get(Devices).unregister(device);
    yield* k.get(Completions).wait(released, TASK_UNINTERRUPTIBLE);
    this.adapters.delete(number);
    k.space.writable(device, k.sizeOf('device')).fill(0);
  }

  /** i2c_get_adapter(): its module stays, and the adapter too. */
  private get(number: number): Ptr {
    const { k, type } = this;
    const adapter = this.adapters.get(number);
    if (adapter === undefined || !k.get(Modules).tryGet(type.get(adapter, 'owner'))) return 0;
    getDevice(k, type.addr(adapter, 'dev'));
    return adapter;
  }

  private *put(adapter: Ptr): Sleepable<void> {
    if (adapter === 0) return;
    const { k, type } = this;
    const owner = type.get(adapter, 'owner');
    yield* putDevice(k, type.addr(adapter, 'dev'));
    k.get(Modules).putStruct(owner);
  }

  /** How many adapters are above it: muxes. */
  private depth(adapter: Ptr): number {
    const { k } = this;
    const device = k.struct('device');
    let depth = 0;
    for (let at = this.type.get(adapter, 'dev.parent'); at !== 0; at = device.get(at, 'parent'))
      depth += Number(k.get(I2cBus).isAdapter(at));
    return depth;
  }

  /** i2c_find_adapter_by_fwnode(): the node of the adapter, or of what it is on. */
  private byNode(node: Ptr): Ptr {
    if (node === 0) return 0;
    const { k } = this;
    const bus = k.get(I2cBus);
    const device = k.struct('device');
    const has = (at: Ptr): boolean => at !== 0 && device.get(at, 'fwnode') === node;
    const devices = k.get(BusRegistry).get(bus.bus.bus)?.devices ?? [];
    const found = devices.find((at) => has(at) || has(device.get(at, 'parent')));
    if (found === undefined || !bus.isAdapter(found)) return 0;
    getDevice(k, found);
    return bus.adapterOf(found);
  }

  private *getByNode(node: Ptr): Sleepable<Ptr> {
    const { k, type } = this;
    const adapter = this.byNode(node);
    if (adapter === 0 || k.get(Modules).tryGet(type.get(adapter, 'owner'))) return adapter;
    yield* putDevice(k, type.addr(adapter, 'dev'));
    return 0;
  }
}
