import type { Ptr } from '../../cpu/layout.js';
import type { DriverList } from './driver-list.js';

/** device_state_t (sys/bus.h). */
export const DS_NOTPRESENT = 10;
export const DS_ALIVE = 20;
export const DS_ATTACHING = 25;
export const DS_ATTACHED = 30;

/** Where in a device its list of sysctls is. */
const CONTEXT = 16;
/** struct devclass (sys/kern/subr_bus.c), as far as guest code looks at it: its units are only there for functions. */
export const DEVCLASS = { parent: 16, drivers: 24, name: 40, context: 64, bytes: 96 } as const;

/** devclass_t: devices of one name by unit, and the drivers for devices on buses of that name. */
export class Devclass {
  parent: Devclass | undefined;
  readonly devices: (Device | undefined)[] = [];
  hasChildren = false;
  /** The node `dev.NAME`: 0 while no device had one. */
  sysctlTree: Ptr = 0;

  constructor(
    readonly name: string,
    /** What guest code gets as devclass_t. */
    readonly handle: Ptr,
    readonly drivers: DriverList,
  ) {}

  /** struct sysctl_ctx_list. */
  get sysctlContext(): Ptr {
    return this.handle + DEVCLASS.context;
  }

  get list(): readonly Device[] {
    return this.devices.filter((device): device is Device => device !== undefined);
  }
}

/** device_t: struct _device of sys/kern/subr_bus.c, of which guest code looks at nothing but the methods that it begins with. */
export class Device {
  readonly children: Device[] = [];
  driver: Ptr = 0;
  devclass: Devclass | undefined;
  nameunit = '';
  /** const char *, 0 for none. */
  desc: Ptr = 0;
  /** The description is memory of the kernel's. */
  ownsDesc = false;
  busy = 0;
  state = DS_NOTPRESENT;
  /** Flags of the driver's own, from the hint `flags`. */
  devflags = 0;
  order = 0;
  /** void *: whatever the bus likes, which need be no address. */
  ivars = 0n;
  softc: Ptr = 0;
  externalSoftc = false;
  enabled = true;
  fixedClass = false;
  quiet = false;
  quietChildren = false;
  suspended = false;
  attachedOnce = false;
  noMatchDone = false;
  /** The node `dev.NAME.UNIT` while a driver has the device. */
  sysctlTree: Ptr = 0;
  /** device_set_prop(). */
  readonly properties = new Map<string, DeviceProperty>();

  constructor(
    readonly at: Ptr,
    readonly parent: Device | undefined,
    public unit: number,
    /** The unit was not asked for. */
    readonly wildcard: boolean,
  ) {}

  /** struct sysctl_ctx_list: what the driver adds to it goes with the driver. */
  get sysctlContext(): Ptr {
    return this.at + CONTEXT;
  }

  get name(): string | undefined {
    return this.devclass?.name;
  }

  get isAlive(): boolean {
    return this.state >= DS_ALIVE;
  }

  get isAttached(): boolean {
    return this.state >= DS_ATTACHED;
  }
}

export interface DeviceProperty {
  readonly value: Ptr;
  readonly destructor: Ptr;
  readonly context: Ptr;
}
