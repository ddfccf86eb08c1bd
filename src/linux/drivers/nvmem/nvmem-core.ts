import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENOMEM, ENOSPC, EPERM } from '../../errno.js';
import { errPtr, isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { freeConst } from '../../kobject/names.js';
import { SysfsBinary } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { lowestFree } from '../../lib/lowest-free.js';
import { Notifiers } from '../../locking/notifier.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from '../base/core.js';
import { kobjOf, putDevice } from '../base/device.js';
import { Devres } from '../base/devres.js';
import { registerBus } from '../base/host-bus.js';
import { addCompatFile, removeCompatFile } from './nvmem-compat.js';

/** Arguments of bin_attribute.read and .write. */
type Transfer = [file: Ptr, kobj: Ptr, attr: Ptr, page: Ptr, offset: number, count: number];

const NVMEM_DEVID_NONE = -1;
/** What /sys/bus/nvmem/devices/NAME/type says, by enum nvmem_type. */
const TYPES = ['Unknown', 'EEPROM', 'OTP', 'Battery backed', 'FRAM'];
/** Members of struct nvmem_config that a device keeps. */
const KEPT = [
  'stride',
  'word_size',
  'size',
  'type',
  'base_dev',
  'keepout',
  'nkeepout',
  'root_only',
  'cell_post_process',
];
const FUNCTIONS = ['reg_read', 'reg_write', 'priv'];

/** `struct blocking_notifier_head nvmem_notifier` */
const CHAIN = 'nvmem_notifier';

/**
 * Non-volatile memories and who provides them (drivers/nvmem/core.c, Documentation/driver-api/nvmem.rst). Providers
 * register; their contents are in sysfs. Cells, which consumers read by name, are not implemented.
 */
export class NvmemCore implements Subsystem {
  static readonly builtIn = 'CONFIG_NVMEM';

  private bus: Ptr = 0;
  private readonly ids = new Set<number>();
  private chain: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = [CHAIN];
  readonly exports = {
    nvmem_register: (config: Ptr) => this.register(config),
    devm_nvmem_register: (device: Ptr, config: Ptr) => this.registerManaged(device, config),
    nvmem_unregister: (nvmem: Ptr) => this.unregister(nvmem),
    nvmem_dev_name: (nvmem: Ptr) =>
      this.k.struct('device').get(this.k.struct('nvmem_device').addr(nvmem, 'dev'), 'kobj.name'),
    nvmem_register_notifier: (block: Ptr) => this.k.get(Notifiers).register(this.chain, block),
    nvmem_unregister_notifier: (block: Ptr) => this.k.get(Notifiers).unregister(this.chain, block),
  };

  boot(): void {
    const { k } = this;
    this.chain = k.variable(CHAIN, k.sizeOf('blocking_notifier_head'));
    this.bus = registerBus(k, 'nvmem_bus_type', 'nvmem', {});
  }

  private *registerManaged(device: Ptr, config: Ptr): Sleepable<Ptr> {
    const nvmem = yield* this.register(config);
    if (!isErr(nvmem)) this.k.get(Devres).addHost(device, nvmem, () => this.unregister(nvmem));
    return nvmem;
  }

  private *register(config: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const from = k.struct('nvmem_config');
    const type = k.struct('nvmem_device');
    if (from.get(config, 'dev') === 0) return errPtr(EINVAL);
    if (from.get(config, 'reg_read') === 0 && from.get(config, 'reg_write') === 0) return errPtr(EINVAL);
    if (from.get(config, 'ncells') > 0) throw new Unimplemented('cells of nvmem devices', '');
    const nvmem = k.slab.allocateBytes(type.size, true);
    if (nvmem === 0) return errPtr(ENOMEM);
    this.fill(nvmem, config);
    const device = type.addr(nvmem, 'dev');
    k.get(Devices).setName(device, this.nameFor(config, type.get(nvmem, 'id')));
    const error = yield* k.get(Devices).register(device);
    if (error) {
      yield* putDevice(k, device);
      return errPtr(-error);
    }
    const refused = addCompatFile(k, nvmem, config, this.modeOf(nvmem));
    if (refused) {
      yield* k.get(Devices).unregister(device);
      return errPtr(-refused);
    }
    this.addFiles(nvmem);
    yield* k.get(Notifiers).callChain(this.chain, k.enumValue('NVMEM_ADD'), nvmem);
    return nvmem;
  }

  private fill(nvmem: Ptr, config: Ptr): void {
    const { k } = this;
    const from = k.struct('nvmem_config');
    const type = k.struct('nvmem_device');
    const id = lowestFree(this.ids);
    this.ids.add(id);
    type.set(nvmem, 'id', id);
    type.set(nvmem, 'refcnt.refcount.refs.counter', 1);
    for (const member of [...KEPT, ...FUNCTIONS])
      if (type.has(member) && from.has(member)) type.set(nvmem, member, from.get(config, member));
    for (const member of ['stride', 'word_size'])
      if (type.get(nvmem, member) === 0) type.set(nvmem, member, 1);
    const device = from.get(config, 'dev');
    const owner = from.get(config, 'owner');
    const driver = k.struct('device').get(device, 'driver');
    const driverOwner = driver === 0 ? 0 : k.struct('device_driver').get(driver, 'owner');
    type.set(nvmem, 'owner', owner !== 0 ? owner : driverOwner);
    const readOnly = from.get(config, 'read_only') !== 0 || from.get(config, 'reg_write') === 0;
    type.set(nvmem, 'read_only', readOnly ? 1 : 0);
    list.init(k.space, type.addr(nvmem, 'cells'));
    type.bind(nvmem, 'dev.release', 'nvmem_release', (dev: Ptr) => this.release(dev));
    for (const way of ['read', 'write'])
      type.bind(nvmem, `eeprom.${way}`, `bin_attr_nvmem_${way}`, (...[, , , page, offset, count]: Transfer) =>
        this.access(nvmem, `reg_${way}`, page, offset, count),
      );
    type.set(nvmem, 'dev.bus', this.bus);
    type.set(nvmem, 'dev.parent', device);
  }

  private nameFor(config: Ptr, id: number): string {
    const from = this.k.struct('nvmem_config');
    const name = from.string(config, 'name') || 'nvmem';
    const wanted = from.get(config, 'id');
    const AUTO = -2;
    if (wanted === NVMEM_DEVID_NONE) return name;
    return wanted === AUTO ? `${name}${id}` : `${name}${wanted}`;
  }

  private addFiles(nvmem: Ptr): void {
    const { k } = this;
    const type = k.struct('nvmem_device');
    const sysfs = k.get(Sysfs);
    const directory = sysfs.directoryOf(kobjOf(k, type.addr(nvmem, 'dev')))!;
    sysfs.addText(directory, 'type', 0o444, () => `${TYPES[type.get(nvmem, 'type')]}\n`);
    const access =
      (member: string) =>
      (page: Ptr, offset: number, count: number): Sleepable<number> =>
        this.access(nvmem, member, page, offset, count);
    const source = { read: access('reg_read'), write: access('reg_write') };
    const file = new SysfsBinary('nvmem', directory, this.modeOf(nvmem), source, type.get(nvmem, 'size'));
    sysfs.add(file, directory);
  }

  /** nvmem_bin_attr_get_umode(): who may read and write the content. */
  private modeOf(nvmem: Ptr): number {
    const type = this.k.struct('nvmem_device');
    const readers = type.get(nvmem, 'root_only') ? 0o400 : 0o444;
    const readable = type.get(nvmem, 'reg_read') === 0 ? 0 : readers;
    const writable = type.get(nvmem, 'read_only') || type.get(nvmem, 'reg_write') === 0 ? 0 : 0o200;
    return readable | writable;
  }

  /** bin_attr_nvmem_read() and _write(): whole words within the memory. */
  private *access(nvmem: Ptr, member: string, page: Ptr, offset: number, count: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('nvmem_device');
    const size = type.get(nvmem, 'size');
    if (offset >= size) return member === 'reg_read' ? 0 : -ENOSPC;
    const word = type.get(nvmem, 'word_size');
    if (offset % type.get(nvmem, 'stride') !== 0 || count < word) return -EINVAL;
    const bytes = Math.floor(Math.min(count, size - offset) / word) * word;
    if (type.get(nvmem, member) === 0) return -EPERM;
    const error = yield* type.call(nvmem, member, type.get(nvmem, 'priv'), offset, page, bytes);
    return error || bytes;
  }

  private *unregister(nvmem: Ptr): Sleepable<void> {
    if (nvmem === 0 || isErr(nvmem)) return;
    const { k } = this;
    yield* k.get(Notifiers).callChain(this.chain, k.enumValue('NVMEM_REMOVE'), nvmem);
    removeCompatFile(k, nvmem);
    yield* k.get(Devices).unregister(k.struct('nvmem_device').addr(nvmem, 'dev'));
  }

  private release(device: Ptr): void {
    const type = this.k.struct('nvmem_device');
    const nvmem = type.of(device, 'dev');
    this.ids.delete(type.get(nvmem, 'id'));
    freeConst(this.k, type.get(nvmem, 'eeprom.attr.name'));
    this.k.slab.free(nvmem);
  }
}
