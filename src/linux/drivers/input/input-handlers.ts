import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EBUSY, ENODEV } from '../../errno.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { isSubset } from './input-bits.js';

/** struct input_device_id.flags: which fields must be equal (include/linux/mod_devicetable.h). */
const MATCH = { bustype: 1, vendor: 2, product: 4, version: 8 } as const;
const MAPS = [
  'evbit',
  'keybit',
  'relbit',
  'absbit',
  'mscbit',
  'ledbit',
  'sndbit',
  'ffbit',
  'swbit',
  'propbit',
];

/** Input handlers, and the handles that connect them with devices (drivers/input/input.c). */
export class InputHandlers implements Subsystem {
  static readonly builtIn = 'CONFIG_INPUT';

  private devices: Ptr = 0;
  private handlers: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    input_register_handler: (handler: Ptr) => this.register(handler),
    input_unregister_handler: (handler: Ptr) => this.unregister(handler),
    input_register_handle: (handle: Ptr) => this.registerHandle(handle),
    input_unregister_handle: (handle: Ptr) => this.unregisterHandle(handle),
    input_handler_for_each_handle: (handler: Ptr, data: Ptr, fn: Ptr) => this.forEach(handler, data, fn),
    input_open_device: (handle: Ptr) => this.open(handle),
    input_close_device: (handle: Ptr) => this.close(handle),
    input_grab_device: (handle: Ptr) => this.grab(handle),
    input_release_device: (handle: Ptr) => this.ungrab(handle),
    input_match_device_id: (dev: Ptr, id: Ptr) => this.matches(dev, id),
  };

  holds(): Iterable<Holding> {
    const what = { kind: 'input handler', struct: 'input_handler', name: 'name', uses: ['connect'] };
    return heldStructs(this.k, what, listedStructs(this.k, 'input_handler', 'node', this.handlers));
  }

  boot(): void {
    const { k } = this;
    this.devices = k.hasSymbol('input_dev_list') ? k.symbol('input_dev_list') : k.permanent(16);
    this.handlers = k.hasSymbol('input_handler_list') ? k.symbol('input_handler_list') : k.permanent(16);
    list.init(k.space, this.devices);
    list.init(k.space, this.handlers);
  }

  /** Every device that is registered, oldest first. */
  allDevices(): readonly Ptr[] {
    const type = this.k.struct('input_dev');
    return [...list.entries(this.k.space, this.devices)].map((node) => type.of(node, 'node'));
  }

  allHandlers(): readonly Ptr[] {
    const type = this.k.struct('input_handler');
    return [...list.entries(this.k.space, this.handlers)].map((node) => type.of(node, 'node'));
  }

  /** A device was registered: every handler that wants it connects. */
  *deviceAdded(dev: Ptr): Sleepable<void> {
    const { k } = this;
    list.addTail(k.space, k.struct('input_dev').addr(dev, 'node'), this.devices);
    for (const node of [...list.entries(k.space, this.handlers)])
      yield* this.attach(dev, k.struct('input_handler').of(node, 'node'));
  }

  *deviceGoing(dev: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('input_handle');
    for (const node of [...list.entries(k.space, k.struct('input_dev').addr(dev, 'h_list'))])
      yield* this.disconnect(type.of(node, 'd_node'));
    list.delInit(k.space, k.struct('input_dev').addr(dev, 'node'));
  }

  private *register(handler: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('input_handler');
    list.init(k.space, type.addr(handler, 'h_list'));
    this.k.origins.note(handler);
    list.addTail(k.space, type.addr(handler, 'node'), this.handlers);
    for (const node of [...list.entries(k.space, this.devices)])
      yield* this.attach(k.struct('input_dev').of(node, 'node'), handler);
    return 0;
  }

  private *unregister(handler: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('input_handler');
    for (const node of [...list.entries(k.space, type.addr(handler, 'h_list'))])
      yield* this.disconnect(k.struct('input_handle').of(node, 'h_node'));
    list.delInit(k.space, type.addr(handler, 'node'));
  }

  private *disconnect(handle: Ptr): Sleepable<void> {
    const handler = this.k.struct('input_handle').get(handle, 'handler');
    yield* this.k.struct('input_handler').call(handler, 'disconnect', handle);
  }

  /** input_attach_handler() */
  private *attach(dev: Ptr, handler: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('input_handler');
    const id = yield* this.matchTable(dev, handler);
    if (id === 0) return;
    const error = yield* type.call(handler, 'connect', handler, dev, id);
    if (!error || error === -ENODEV) return;
    const name = type.string(handler, 'name');
    const device = k.struct('input_dev').string(dev, 'name');
    k.log.line(`input: failed to attach handler ${name} to device ${device}, error: ${error}`, LOGLEVEL_ERR);
  }

  private *matchTable(dev: Ptr, handler: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const id = k.struct('input_device_id');
    const type = k.struct('input_handler');
    const decides = type.get(handler, 'match') !== 0;
    const table = type.get(handler, 'id_table');
    for (let at = table; id.get(at, 'flags') !== 0 || id.get(at, 'driver_info') !== 0; at += id.size) {
      if (!this.matches(dev, at)) continue;
      if (!decides || (yield* type.call(handler, 'match', handler, dev)) !== 0) return at;
    }
    return 0;
  }

  private matches(dev: Ptr, at: Ptr): boolean {
    const { k } = this;
    const id = k.struct('input_device_id');
    const type = k.struct('input_dev');
    const flags = id.get(at, 'flags');
    for (const [member, bit] of Object.entries(MATCH))
      if (flags & bit && id.get(at, member) !== type.get(dev, `id.${member}`)) return false;
    return MAPS.every((map) => isSubset(k, id.addr(at, map), type.addr(dev, map), type.member(map).size));
  }

  private *registerHandle(handle: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('input_handle');
    const handler = type.get(handle, 'handler');
    const handles = k.struct('input_dev').addr(type.get(handle, 'dev'), 'h_list');
    const node = type.addr(handle, 'd_node');
    const handlerType = k.struct('input_handler');
    if (handlerType.get(handler, 'filter') !== 0) list.add(k.space, node, handles);
    else list.addTail(k.space, node, handles);
    list.addTail(k.space, type.addr(handle, 'h_node'), handlerType.addr(handler, 'h_list'));
    if (handlerType.get(handler, 'start') !== 0) yield* handlerType.call(handler, 'start', handle);
    return 0;
  }

  private unregisterHandle(handle: Ptr): void {
    const type = this.k.struct('input_handle');
    list.delInit(this.k.space, type.addr(handle, 'h_node'));
    list.delInit(this.k.space, type.addr(handle, 'd_node'));
  }

  private *forEach(handler: Ptr, data: Ptr, fn: Ptr): Sleepable<number> {
    const { k } = this;
    for (const node of [...list.entries(k.space, k.struct('input_handler').addr(handler, 'h_list'))]) {
      // int (*fn)(struct input_handle *, void *), a parameter of input_handler_for_each_handle().
      const result = yield* k.callAs('i:pp', fn, k.struct('input_handle').of(node, 'h_node'), data);
      if (result !== 0) return result;
    }
    return 0;
  }

  /** The first user starts the hardware. */
  private *open(handle: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('input_handle');
    const input = k.struct('input_dev');
    const dev = type.get(handle, 'dev');
    if (input.get(dev, 'going_away')) return -ENODEV;
    type.set(handle, 'open', type.get(handle, 'open') + 1);
    const users = input.get(dev, 'users') + 1;
    input.set(dev, 'users', users);
    const error = users > 1 || input.get(dev, 'open') === 0 ? 0 : yield* input.call(dev, 'open', dev);
    if (error) {
      input.set(dev, 'users', users - 1);
      type.set(handle, 'open', type.get(handle, 'open') - 1);
    }
    return error;
  }

  private *close(handle: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('input_handle');
    const input = k.struct('input_dev');
    const dev = type.get(handle, 'dev');
    this.ungrab(handle);
    const users = input.get(dev, 'users') - 1;
    input.set(dev, 'users', users);
    if (users === 0 && input.get(dev, 'close') !== 0) yield* input.call(dev, 'close', dev);
    type.set(handle, 'open', type.get(handle, 'open') - 1);
  }

  private grab(handle: Ptr): number {
    const dev = this.k.struct('input_handle').get(handle, 'dev');
    const input = this.k.struct('input_dev');
    if (input.get(dev, 'grab') !== 0) return -EBUSY;
    input.set(dev, 'grab', handle);
    return 0;
  }

  private ungrab(handle: Ptr): void {
    const dev = this.k.struct('input_handle').get(handle, 'dev');
    const input = this.k.struct('input_dev');
    if (input.get(dev, 'grab') === handle) input.set(dev, 'grab', 0);
  }
}
