import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { list } from '../../abi/list.js';
import { EEXIST, EINVAL, ENOMEM } from '../../errno.js';
import { isErr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { duplicate, freeConst } from '../../kobject/names.js';
import { lowestFree } from '../../lib/lowest-free.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Devices } from './core.js';
import { createDevice, registerBuiltinClass } from './host-class.js';

/** Wakeup sources: what may wake the machine, and their /sys/class/wakeup (drivers/base/power/wakeup.c). */
export class WakeupSources implements Subsystem {
  static readonly builtIn = 'CONFIG_PM_SLEEP';

  private cls: Ptr = 0;
  private list: Ptr = 0;
  private readonly ids = new Set<number>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    wakeup_source_create: (name: Ptr) => this.create(name === 0 ? '' : this.k.space.cstring(name)),
    wakeup_source_destroy: (source: Ptr) => this.destroy(source),
    wakeup_source_register: (device: Ptr, name: Ptr) =>
      this.register(device, name === 0 ? '' : this.k.space.cstring(name)),
    wakeup_source_unregister: (source: Ptr) => this.unregister(source),
    device_wakeup_enable: (device: Ptr) => this.enable(device),
    device_wakeup_disable: (device: Ptr) => this.disable(device),
    device_set_wakeup_enable: (device: Ptr, enable: boolean) =>
      enable ? this.enable(device) : this.disable(device),
    device_set_wakeup_capable: (device: Ptr, capable: boolean) =>
      this.k.struct('device').set(device, 'power.can_wakeup', Number(capable)),
    pm_wakeup_dev_event: (device: Ptr) => this.event(this.sourceOf(device)),
    pm_wakeup_ws_event: (source: Ptr) => this.event(source),
    pm_stay_awake: (device: Ptr) => this.setActive(this.sourceOf(device), true),
    pm_relax: (device: Ptr) => this.setActive(this.sourceOf(device), false),
    __pm_stay_awake: (source: Ptr) => this.setActive(source, true),
    __pm_relax: (source: Ptr) => this.setActive(source, false),
    device_pm_wait_for_dev: nothing('the machine never sleeps', 0),
    pm_wakeup_pending: nothing('the machine never sleeps', false),
    pm_system_wakeup: nothing('the machine never sleeps', undefined),
  };

  boot(): void {
    const { k } = this;
    this.cls = registerBuiltinClass(k, 'wakeup');
    this.list = k.hasSymbol('wakeup_sources') ? k.symbol('wakeup_sources') : k.permanent(16);
    list.init(k.space, this.list);
  }

  private create(name: string): Ptr {
    const { k } = this;
    const type = k.struct('wakeup_source');
    const source = k.slab.allocateBytes(type.size, true);
    if (source === 0) return 0;
    const id = lowestFree(this.ids);
    this.ids.add(id);
    type.set(source, 'name', duplicate(k, name));
    type.set(source, 'id', id);
    list.init(k.space, type.addr(source, 'entry'));
    return source;
  }

  private destroy(source: Ptr): void {
    if (source === 0) return;
    const type = this.k.struct('wakeup_source');
    list.delInit(this.k.space, type.addr(source, 'entry'));
    this.ids.delete(type.get(source, 'id'));
    freeConst(this.k, type.get(source, 'name'));
    this.k.slab.free(source);
  }

  private *register(parent: Ptr, name: string): Sleepable<Ptr> {
    const { k } = this;
    const type = k.struct('wakeup_source');
    const source = this.create(name);
    if (source === 0) return 0;
    const label = `wakeup${type.get(source, 'id')}`;
    const registered = parent === 0 || k.struct('device').get(parent, 'kobj.state_in_sysfs') !== 0;
    if (registered) {
      const device = yield* createDevice(k, this.cls, { parent, data: source, name: label });
      if (isErr(device)) {
        this.destroy(source);
        return 0;
      }
      type.set(source, 'dev', device);
    }
    list.addTail(k.space, type.addr(source, 'entry'), this.list);
    return source;
  }

  private *unregister(source: Ptr): Sleepable<void> {
    if (source === 0) return;
    const device = this.k.struct('wakeup_source').get(source, 'dev');
    if (device !== 0) yield* this.k.get(Devices).unregister(device);
    this.destroy(source);
  }

  private *enable(device: Ptr): Sleepable<number> {
    const type = this.k.struct('device');
    if (device === 0 || !type.get(device, 'power.can_wakeup')) return -EINVAL;
    if (type.get(device, 'power.wakeup') !== 0) return -EEXIST;
    const source = yield* this.register(device, deviceName(this.k, device));
    if (source === 0) return -ENOMEM;
    type.set(device, 'power.wakeup', source);
    return 0;
  }

  private *disable(device: Ptr): Sleepable<number> {
    const type = this.k.struct('device');
    if (device === 0 || !type.get(device, 'power.can_wakeup')) return -EINVAL;
    const source = type.get(device, 'power.wakeup');
    type.set(device, 'power.wakeup', 0);
    yield* this.unregister(source);
    return 0;
  }

  private sourceOf(device: Ptr): Ptr {
    return device === 0 ? 0 : this.k.struct('device').get(device, 'power.wakeup');
  }

  private setActive(source: Ptr, active: boolean): void {
    if (source === 0) return;
    const type = this.k.struct('wakeup_source');
    const count = (member: string): void => type.set(source, member, type.get(source, member) + 1);
    if (active) {
      count('event_count');
      if (!type.get(source, 'active')) count('active_count');
    } else if (type.get(source, 'active')) count('relax_count');
    type.set(source, 'active', Number(active));
    type.set(source, 'last_time', this.k.clock.now);
  }

  private event(source: Ptr): void {
    this.setActive(source, true);
    this.setActive(source, false);
  }
}
