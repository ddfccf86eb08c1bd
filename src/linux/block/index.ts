import type { SubsystemClass } from '../subsystem.js';
import { BackingDevices } from './backing-dev.js';
import { BlockMajors } from './majors.js';

/** The block layer, in boot order. */
export const BLOCK_SUBSYSTEMS: readonly SubsystemClass[] = [BlockMajors, BackingDevices];
