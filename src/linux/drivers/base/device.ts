import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Kobjects } from '../../kobject/kobject.js';
import type { Subsystem } from '../../subsystem.js';

/** What the driver core keeps of a device besides struct device: its struct device_private. */
interface DeviceState {
  readonly children: Ptr[];
  /** Waits for another driver (-EPROBE_DEFER). */
  deferred: boolean;
  deferReason: string;
  /** Being removed: no driver may bind any more. */
  dead: boolean;
}

/** Bookkeeping about devices that every part of the driver core uses. */
export class DeviceStates implements Subsystem {
  readonly exports = {};
  private readonly states = new Map<Ptr, DeviceState>();

  of(device: Ptr): DeviceState {
    let state = this.states.get(device);
    if (!state) {
      state = { children: [], deferred: false, deferReason: '', dead: false };
      this.states.set(device, state);
    }
    return state;
  }

  forget(device: Ptr): void {
    this.states.delete(device);
  }

  /** Devices that are waiting for another driver, oldest first. */
  deferred(): Ptr[] {
    return [...this.states].filter(([, state]) => state.deferred).map(([device]) => device);
  }
}

/** int (*)(struct device *, void *): parameters `fn` and `match` of functions that go through devices. */
export const OF_DEVICE = 'i:pp';

/** &dev->kobj */
export function kobjOf(k: LinuxKernel, device: Ptr): Ptr {
  return device === 0 ? 0 : k.struct('device').addr(device, 'kobj');
}

/** kobj_to_dev() */
export function deviceOf(k: LinuxKernel, kobj: Ptr): Ptr {
  return k.struct('device').of(kobj, 'kobj');
}

/** get_device() */
export function getDevice(k: LinuxKernel, device: Ptr): Ptr {
  if (device !== 0) k.get(Kobjects).get(kobjOf(k, device));
  return device;
}

/** put_device() */
export function* putDevice(k: LinuxKernel, device: Ptr): Sleepable<void> {
  if (device !== 0) yield* k.get(Kobjects).put(kobjOf(k, device));
}

/** device_is_registered() */
export function isRegistered(k: LinuxKernel, device: Ptr): boolean {
  return k.struct('device').get(device, 'kobj.state_in_sysfs') !== 0;
}
