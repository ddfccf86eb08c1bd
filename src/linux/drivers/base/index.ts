import type { SubsystemClass } from '../../subsystem.js';
import { AsyncCalls } from './async.js';
import { AttributeContainers } from './attribute-container.js';
import { Buses } from './bus.js';
import { Classes } from './class.js';
import { Components } from './component.js';
import { Devices } from './core.js';
import { DeviceExports } from './core-exports.js';
import { DriverBinding } from './dd.js';
import { DeviceLinks } from './device-links.js';
import { Devres } from './devres.js';
import { Drivers } from './driver.js';
import { DriverOverride } from './driver-override.js';
import { ExtAttributes } from './ext-attributes.js';
import { FirmwareLoader } from './firmware-loader.js';
import { PmQos } from './pm-qos.js';
import { RuntimePmExports } from './pm-runtime-exports.js';
import { SyscoreOps } from './syscore.js';
import { TransportClasses } from './transport-class.js';
import { WakeupSources } from './wakeup.js';

/** The driver core, in boot order. */
export const DRIVER_CORE_SUBSYSTEMS: readonly SubsystemClass[] = [
  Devres,
  DriverBinding,
  Drivers,
  DriverOverride,
  Buses,
  Classes,
  Devices,
  DeviceExports,
  ExtAttributes,
  DeviceLinks,
  AttributeContainers,
  TransportClasses,
  SyscoreOps,
  FirmwareLoader,
  AsyncCalls,
  RuntimePmExports,
  WakeupSources,
  PmQos,
  Components,
];
