import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EBUSY } from '../../errno.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { createFile, removeFile } from '../../kobject/sysfs/files.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from './core.js';
import { getDevice, kobjOf, putDevice } from './device.js';

/** ATTRIBUTE_CONTAINER_NO_CLASSDEVS: the generic device itself is the class device. */
export const NO_CLASS_DEVICES = 1;

/** A class device that hangs on a generic device because a container matched it. */
interface Contained {
  readonly container: Ptr;
  readonly generic: Ptr;
  /** struct internal_container */
  readonly holder: Ptr;
}

/** Attribute containers: class devices that appear with every device they match (attribute_container.c). */
export class AttributeContainers implements Subsystem {
  private list: Ptr = 0;
  private contained: Contained[] = [];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    attribute_container_register: (container: Ptr) => this.register(container),
    attribute_container_unregister: (container: Ptr) => this.unregister(container),
    attribute_container_classdev_to_container: (device: Ptr) => this.containerOf(device),
    attribute_container_find_class_device: (container: Ptr, generic: Ptr) => this.find(container, generic),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'attribute container', struct: 'attribute_container', uses: ['match', 'class'] },
      listedStructs(this.k, 'attribute_container', 'node', this.list),
    );
  }

  boot(): void {
    this.list = this.k.permanent(16);
    list.init(this.k.space, this.list);
  }

  /** attribute_container_register(). */
  register(container: Ptr): number {
    const type = this.k.struct('attribute_container');
    list.init(this.k.space, type.addr(container, 'node'));
    list.init(this.k.space, type.addr(container, 'containers.k_list'));
    this.k.origins.note(container);
    list.addTail(this.k.space, type.addr(container, 'node'), this.list);
    return 0;
  }

  /** attribute_container_unregister(): -EBUSY while it has class devices. */
  unregister(container: Ptr): number {
    if (this.contained.some((entry) => entry.container === container)) return -EBUSY;
    list.delInit(this.k.space, this.k.struct('attribute_container').addr(container, 'node'));
    return 0;
  }

  /** attribute_container_add_device(): a class device for every container that matches. */
  *addDevice(generic: Ptr, then: (container: Ptr, device: Ptr) => Sleepable<void>): Sleepable<void> {
    const { k } = this;
    const type = k.struct('attribute_container');
    for (const container of yield* this.matching(generic)) {
      if (type.get(container, 'flags') & NO_CLASS_DEVICES) {
        yield* then(container, generic);
        continue;
      }
      const holderType = k.struct('internal_container');
      const holder = k.slab.allocateBytes(holderType.size, true);
      if (holder === 0) continue;
      holderType.set(holder, 'cont', container);
      const device = holderType.addr(holder, 'classdev');
      const dev = k.struct('device');
      k.get(Devices).initialize(device);
      dev.set(device, 'parent', getDevice(k, generic));
      dev.set(device, 'class', type.get(container, 'class'));
      const cls = type.get(container, 'class');
      k.struct('class').bind(cls, 'dev_release', 'attribute_container_release', (ptr: Ptr) =>
        this.release(ptr),
      );
      k.get(Devices).setName(device, deviceName(k, generic));
      this.contained.push({ container, generic, holder });
      yield* then(container, device);
    }
  }

  /** Calls a function for every class device of a generic device. */
  *forEach(generic: Ptr, fn: (container: Ptr, device: Ptr) => Sleepable<void>): Sleepable<void> {
    const type = this.k.struct('attribute_container');
    for (const container of yield* this.matching(generic)) {
      if (type.get(container, 'flags') & NO_CLASS_DEVICES) yield* fn(container, generic);
      for (const entry of this.contained.filter(
        (one) => one.container === container && one.generic === generic,
      ))
        yield* fn(container, this.k.struct('internal_container').addr(entry.holder, 'classdev'));
    }
  }

  /** attribute_container_remove_device(). */
  *removeDevice(generic: Ptr, fn: (container: Ptr, device: Ptr) => Sleepable<void>): Sleepable<void> {
    const { k } = this;
    for (const entry of this.contained.filter((one) => one.generic === generic)) {
      this.contained = this.contained.filter((one) => one !== entry);
      yield* fn(entry.container, k.struct('internal_container').addr(entry.holder, 'classdev'));
    }
  }

  /** attribute_container_add_class_device(): makes it visible. */
  *show(container: Ptr, device: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('attribute_container');
    const error = yield* k.get(Devices).add(device);
    if (error) return error;
    const group = type.get(container, 'grp');
    if (group !== 0) return yield* k.get(SysfsGroups).createGroup(kobjOf(k, device), group);
    for (const attr of this.attributes(container)) createFile(k, kobjOf(k, device), attr);
    return 0;
  }

  /** attribute_container_class_device_del() */
  *hide(container: Ptr, device: Ptr): Sleepable<void> {
    const { k } = this;
    const group = k.struct('attribute_container').get(container, 'grp');
    if (group !== 0) k.get(SysfsGroups).removeGroup(kobjOf(k, device), group);
    else for (const attr of this.attributes(container)) removeFile(k, kobjOf(k, device), attr);
    yield* k.get(Devices).del(device);
  }

  private attributes(container: Ptr): Ptr[] {
    const array = this.k.struct('attribute_container').get(container, 'attrs');
    return array === 0 ? [] : this.k.get(SysfsGroups).list(array);
  }

  private *matching(generic: Ptr): Sleepable<Ptr[]> {
    const type = this.k.struct('attribute_container');
    const found: Ptr[] = [];
    for (const node of [...list.entries(this.k.space, this.list)]) {
      const container = type.of(node, 'node');
      if ((yield* type.call(container, 'match', container, generic)) !== 0) found.push(container);
    }
    return found;
  }

  private containerOf(device: Ptr): Ptr {
    const type = this.k.struct('internal_container');
    return type.get(type.of(device, 'classdev'), 'cont');
  }

  private find(container: Ptr, generic: Ptr): Ptr {
    const entry = this.contained.find((one) => one.container === container && one.generic === generic);
    return entry ? this.k.struct('internal_container').addr(entry.holder, 'classdev') : 0;
  }

  private *release(device: Ptr): Sleepable<void> {
    const { k } = this;
    const holder = k.struct('internal_container').of(device, 'classdev');
    const generic = k.struct('device').get(device, 'parent');
    k.slab.free(holder);
    yield* putDevice(k, generic);
  }
}

/** Calls one of a transport class's functions, if it has it. */
export function* callTransport(
  k: LinuxKernel,
  member: 'setup' | 'configure' | 'remove',
  container: Ptr,
  generic: Ptr,
  device: Ptr,
): Sleepable<void> {
  const cls = k.struct('attribute_container').get(container, 'class');
  const type = k.struct('transport_class');
  if (cls === 0 || type.get(type.of(cls, 'class'), member) === 0) return;
  const transport = k.struct('transport_container').of(container, 'ac');
  yield* type.call(type.of(cls, 'class'), member, transport, generic, device);
}
