import { region } from '../layout.js';
import type { MemoryMap } from '../memory-map.js';

export const RAM = region('ram', 0x1000_0000, 0x4000_0000, 0xffff_8880);
export const CODE_REGION = region('code', 0x4000_0000, 0x5000_0000, 0xffff_ffff);
export const STACKS = region('stacks', 0x5000_0000, 0x6000_0000, 0xffff_c900);
export const USER = region('user', 0x7000_0000, 0x7f00_0000, 0x0000_7ffe);

/** A system's memory as the tests of the processor have it. */
export const TEST_MAP: MemoryMap = {
  regions: [RAM, CODE_REGION, STACKS, USER],
  ram: RAM,
  user: USER,
  directMapUpper: RAM.upper,
};
