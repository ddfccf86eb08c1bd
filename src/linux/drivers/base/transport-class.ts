import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import { SysfsGroups } from '../../kobject/sysfs/groups.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { AttributeContainers, callTransport, NO_CLASS_DEVICES } from './attribute-container.js';
import { Classes } from './class.js';
import { kobjOf, putDevice } from './device.js';

/** Transport classes: what SCSI transports add to hosts, targets and ports (drivers/base/transport_class.c). */
export class TransportClasses implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    transport_class_register: (tclass: Ptr) =>
      this.k.get(Classes).register(this.k.struct('transport_class').addr(tclass, 'class')),
    transport_class_unregister: (tclass: Ptr) =>
      this.k.get(Classes).unregister(this.k.struct('transport_class').addr(tclass, 'class')),
    anon_transport_class_register: (anonymous: Ptr) => this.registerAnonymous(anonymous),
    anon_transport_class_unregister: (anonymous: Ptr) => this.unregisterAnonymous(anonymous),
    transport_setup_device: (device: Ptr) => this.setup(device),
    transport_add_device: (device: Ptr) => this.add(device),
    transport_configure_device: (device: Ptr) => this.configure(device),
    transport_remove_device: (device: Ptr) => this.remove(device),
    transport_destroy_device: (device: Ptr) => this.destroy(device),
  };

  private get containers(): AttributeContainers {
    return this.k.get(AttributeContainers);
  }

  private registerAnonymous(anonymous: Ptr): number {
    const type = this.k.struct('anon_transport_class');
    const container = type.addr(anonymous, 'container');
    const inner = this.k.struct('attribute_container');
    inner.set(container, 'class', type.addr(anonymous, 'tclass.class'));
    inner.set(container, 'flags', inner.get(container, 'flags') | NO_CLASS_DEVICES);
    list.init(this.k.space, inner.addr(container, 'node'));
    return this.containers.register(container);
  }

  private unregisterAnonymous(anonymous: Ptr): void {
    const container = this.k.struct('anon_transport_class').addr(anonymous, 'container');
    if (this.containers.unregister(container) !== 0)
      warn(this.k, '', 'drivers/base/transport_class.c', 'anon_transport_class_unregister');
  }

  private *setup(generic: Ptr): Sleepable<void> {
    const { k } = this;
    yield* this.containers.addDevice(generic, (container, device) =>
      callTransport(k, 'setup', container, generic, device),
    );
  }

  private *add(generic: Ptr): Sleepable<number> {
    const { k, containers } = this;
    let result = 0;
    yield* containers.forEach(generic, function* (container, device) {
      if (device === generic) return;
      const error = yield* containers.show(container, device);
      if (error) result = error;
      const statistics = k
        .struct('transport_container')
        .get(k.struct('transport_container').of(container, 'ac'), 'statistics');
      if (!error && statistics !== 0) yield* k.get(SysfsGroups).createGroup(kobjOf(k, device), statistics);
    });
    return result;
  }

  private *configure(generic: Ptr): Sleepable<void> {
    const { k } = this;
    yield* this.containers.forEach(generic, (container, device) =>
      callTransport(k, 'configure', container, generic, device),
    );
  }

  private *remove(generic: Ptr): Sleepable<void> {
    const { k, containers } = this;
    yield* containers.forEach(generic, function* (container, device) {
      yield* callTransport(k, 'remove', container, generic, device);
      if (device === generic) return;
      const statistics = k
        .struct('transport_container')
        .get(k.struct('transport_container').of(container, 'ac'), 'statistics');
      if (statistics !== 0) k.get(SysfsGroups).removeGroup(kobjOf(k, device), statistics);
      yield* containers.hide(container, device);
    });
  }

  private *destroy(generic: Ptr): Sleepable<void> {
    const { k } = this;
    yield* this.containers.removeDevice(generic, function* (_container, device) {
      if (device !== generic) yield* putDevice(k, device);
    });
  }
}
