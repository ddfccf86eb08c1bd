import { region } from '../../cpu/layout.js';
import type { MemoryMap } from '../../cpu/memory-map.js';

/** Functions of the kernel. */
export const KERNEL = region('kernel', 0x0200_0000, 0x0300_0000, 0xffff_f803);
export const POOL = region('pool', 0x1000_0000, 0x2000_0000, 0xffff_e000);
export const IMAGES = region('images', 0x4000_0000, 0x5000_0000, 0xffff_f805);
export const STACKS = region('stacks', 0x5000_0000, 0x6000_0000, 0xffff_a080);
const USER = region('user', 0x7000_0000, 0x7100_0000, 0x0000_01d2);

/** The address space of the miniature: no direct map. */
export const MINI_MAP: MemoryMap = { regions: [KERNEL, POOL, IMAGES, STACKS, USER], ram: POOL, user: USER };
