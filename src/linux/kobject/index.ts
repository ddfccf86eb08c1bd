import type { SubsystemClass } from '../subsystem.js';
import { BuiltinKtypes } from './builtin-ktypes.js';
import { Kobjects } from './kobject.js';
import { ActiveProtection } from './sysfs/active-protection.js';
import { SysfsExports } from './sysfs/exports.js';
import { Kernfs } from './sysfs/kernfs.js';
import { Uevents } from './uevent.js';
import { WellKnownKobjects } from './well-known.js';

/** kobjects, uevents, sysfs, and the directories of /sys that belong to nobody else, in boot order. */
export const KOBJECT_SUBSYSTEMS: readonly SubsystemClass[] = [
  Kernfs,
  SysfsExports,
  Uevents,
  BuiltinKtypes,
  Kobjects,
  ActiveProtection,
  WellKnownKobjects,
];
