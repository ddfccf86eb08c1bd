import { region } from '../cpu/layout.js';
import type { MemoryMap } from '../cpu/memory-map.js';

/** Kernel text and data: 0xffffffff81000000 up. The first 16 MiB above KERNBASE, where the real kernel begins, have no linear offsets. */
export const IMAGE = region('image', 0x0100_0000, 0x0400_0000, 0xffff_ffff);
/** Modules, above the kernel as vm_map_find(kernel_map, KERNBASE) places them. */
export const MODULES = region('modules', 0x0400_0000, 0x1000_0000, 0xffff_ffff);
/** Memory in the direct map (DMAP_MIN_ADDRESS): address = 0xfffff80000000000 + physical address. */
export const RAM = region('ram', 0x1000_0000, 0x4000_0000, 0xffff_f800);
/** Kernel virtual addresses (VM_MIN_KERNEL_ADDRESS): stacks, large allocations, mapped devices. */
export const KVA = region('kva', 0x5000_0000, 0x6000_0000, 0xffff_fe00);
/** Memory of the (one) user process: buffers that system calls pass to the kernel. */
export const USER = region('user', 0x7000_0000, 0x7f00_0000, 0x0000_0008);

/** The address space of FreeBSD on amd64 (sys/amd64/include/vmparam.h), as far as it fits into linear offsets. */
export const MEMORY_MAP: MemoryMap = {
  regions: [IMAGE, MODULES, RAM, KVA, USER],
  ram: RAM,
  user: USER,
  directMapUpper: RAM.upper,
};

/** Where in the image what is: exported functions at the target's addresses, variables that are there, and what is not. */
const PART_BYTES = 0x80_0000;
export const FUNCTIONS = IMAGE.start;
/** Functions that no symbol names: operations tables of the kernel's own. */
export const STUBS = FUNCTIONS + 0x100_0000;
export const VARIABLES = STUBS + PART_BYTES;
/** The linker set of virtualised network variables (VNET_START), with room for modules behind the kernel's own. */
export const VNET_SET = VARIABLES + PART_BYTES;
export const VNET_BYTES = 0x10_0000;
/** The linker set of per-CPU variables (DPCPU_START). */
export const DPCPU_SET = VNET_SET + VNET_BYTES;
export const DPCPU_BYTES = 0x10_0000;
/** Variables that nothing here sets. Nothing is mapped there, so who looks at one is told so by name. */
export const ABSENT = DPCPU_SET + DPCPU_BYTES + PART_BYTES;
export const ABSENT_END = IMAGE.start + IMAGE.size;
