import type { SubsystemClass } from '../subsystem.js';
import { BASE_SUBSYSTEMS } from './base/index.js';

/** The driver model and the buses and classes that are built into the kernel, in boot order. */
export const DRIVER_SUBSYSTEMS: readonly SubsystemClass[] = [...BASE_SUBSYSTEMS];
