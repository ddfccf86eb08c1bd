import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import { Notifiers } from '../../locking/notifier.js';
import { deviceName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { OF_DEVICE } from './device.js';

/** A registered bus: what struct subsys_private holds for it. */
export interface BusState {
  readonly bus: Ptr;
  readonly name: string;
  /** struct subsys_private: its kset is /sys/bus/NAME, its notifier head is the bus's. */
  readonly priv: Ptr;
  devicesKset: Ptr;
  driversKset: Ptr;
  /** In the order they were added. */
  readonly devices: Ptr[];
  readonly drivers: Ptr[];
  /** struct subsys_interface. */
  readonly interfaces: Ptr[];
  autoprobe: boolean;
}

/** Bus events (include/linux/device/bus.h): an enum from 6.4 on, before that constants counted from 1. */
const EVENTS = [
  'BUS_NOTIFY_ADD_DEVICE',
  'BUS_NOTIFY_DEL_DEVICE',
  'BUS_NOTIFY_REMOVED_DEVICE',
  'BUS_NOTIFY_BIND_DRIVER',
  'BUS_NOTIFY_BOUND_DRIVER',
  'BUS_NOTIFY_UNBIND_DRIVER',
  'BUS_NOTIFY_UNBOUND_DRIVER',
  'BUS_NOTIFY_DRIVER_NOT_BOUND',
] as const;
export type BusEvent = (typeof EVENTS)[number];

/** The buses that are registered, with their devices and drivers. */
export class BusRegistry implements Subsystem {
  readonly exports = {};

  /** Buses, their drivers, and who wants to see each of their devices. */
  *holds(): Generator<Holding> {
    const { k } = this;
    const priv = k.struct('subsys_private');
    const driverPrivate = k.struct('driver_private');
    for (const {
      bus,
      name,
      priv: at,
      drivers,
      interfaces,
      devicesKset,
      driversKset,
    } of this.buses.values()) {
      const ksets = [priv.addr(at, 'subsys'), devicesKset, driversKset];
      const kobjects = ksets.map((kset) => k.struct('kset').addr(kset, 'kobj'));
      yield { kind: 'bus', at: bus, kobjects, name: () => name };
      const what = {
        kind: `${name} driver`,
        struct: 'device_driver',
        name: 'name',
        uses: ['owner', 'probe'],
      };
      for (const driver of heldStructs(k, what, drivers)) {
        const own = k.struct('device_driver').get(driver.at, 'p');
        yield { ...driver, kobjects: own === 0 ? [] : [driverPrivate.addr(own, 'kobj')] };
      }
      yield* heldStructs(
        k,
        { kind: 'subsystem interface', struct: 'subsys_interface', name: 'name' },
        interfaces,
      );
    }
  }
  private readonly buses = new Map<Ptr, BusState>();
  private eventBase: number | undefined;

  constructor(private readonly k: LinuxKernel) {}

  add(state: BusState): void {
    this.k.origins.note(state.bus);
    this.buses.set(state.bus, state);
  }

  delete(bus: Ptr): void {
    this.buses.delete(bus);
  }

  get(bus: Ptr): BusState | undefined {
    return bus === 0 ? undefined : this.buses.get(bus);
  }

  /** The bus whose /sys/bus/NAME a kobject is. */
  byKobject(kobj: Ptr): BusState | undefined {
    const offset = this.k.struct('subsys_private').offsetOf('subsys.kobj');
    for (const state of this.buses.values()) if (state.priv + offset === kobj) return state;
    return undefined;
  }

  /** The device that devices of a subsystem hang below, 0 for none. */
  devRoot(bus: Ptr): Ptr {
    const place = this.devRootPlace(bus);
    return place === 0 ? 0 : this.k.space.loadPtr(place);
  }

  setDevRoot(bus: Ptr, root: Ptr): void {
    const place = this.devRootPlace(bus);
    if (place !== 0) this.k.space.storePtr(place, root);
  }

  /** The pointer is in struct bus_type, or where that is constant in the bus's struct subsys_private. */
  private devRootPlace(bus: Ptr): Ptr {
    const type = this.k.struct('bus_type');
    if (bus !== 0 && type.has('dev_root')) return type.addr(bus, 'dev_root');
    // structs: subsys_private.dev_root is there where bus_type's is not.
    const state = this.get(bus);
    return state === undefined ? 0 : this.k.struct('subsys_private').addr(state.priv, 'dev_root');
  }

  all(): IterableIterator<BusState> {
    return this.buses.values();
  }

  /** The bus's struct blocking_notifier_head. */
  notifierHead(state: BusState): Ptr {
    return this.k.struct('subsys_private').addr(state.priv, 'bus_notifier');
  }

  /** Tells those who registered with bus_register_notifier(). */
  *notify(bus: Ptr, event: BusEvent, device: Ptr): Sleepable<void> {
    const state = this.get(bus);
    if (!state) return;
    yield* this.k.get(Notifiers).callChain(this.notifierHead(state), this.eventNumber(event), device);
  }

  /** The first device, behind `start`, that a guest's match function accepts. */
  *findDevice(devices: readonly Ptr[], start: Ptr, data: Ptr, match: Ptr): Sleepable<Ptr> {
    const from = start === 0 ? 0 : devices.indexOf(start) + 1;
    for (const device of devices.slice(from))
      if ((yield* this.k.callAs(OF_DEVICE, match, device, data)) !== 0) return device;
    return 0;
  }

  /** The driver of that name. */
  driverNamed(state: BusState, name: string): Ptr {
    const type = this.k.struct('device_driver');
    return state.drivers.find((driver) => type.string(driver, 'name') === name) ?? 0;
  }

  deviceNamed(state: BusState, name: string): Ptr {
    return state.devices.find((device) => deviceName(this.k, device) === name) ?? 0;
  }

  private eventNumber(event: BusEvent): number {
    if (this.eventBase === undefined) {
      try {
        this.eventBase = this.k.enumValue(EVENTS[0]);
      } catch {
        this.eventBase = 1;
      }
    }
    return this.eventBase + EVENTS.indexOf(event);
  }
}
