import type { SubsystemClass } from '../../subsystem.js';
import { Buses } from './bus.js';
import { Classes } from './class.js';
import { Devices } from './core.js';
import { DeviceExports } from './core-exports.js';
import { DriverBinding } from './dd.js';
import { Devres } from './devres.js';
import { Drivers } from './driver.js';

/** The driver core, in boot order. */
export const BASE_SUBSYSTEMS: readonly SubsystemClass[] = [
  Devres,
  DriverBinding,
  Drivers,
  Buses,
  Classes,
  Devices,
  DeviceExports,
];
