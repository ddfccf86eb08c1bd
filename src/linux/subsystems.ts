import type { SubsystemClass } from './subsystem.js';

/** Every subsystem of the Linux base kernel, in boot order. */
export const SUBSYSTEMS: readonly SubsystemClass[] = [];
