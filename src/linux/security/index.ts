import type { SubsystemClass } from '../subsystem.js';
import { KeyTypes } from './keys/key-types.js';
import { Keys } from './keys/keys.js';

/** Keys, in boot order. */
export const SECURITY_SUBSYSTEMS: readonly SubsystemClass[] = [KeyTypes, Keys];
