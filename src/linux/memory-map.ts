import { region } from '../cpu/layout.js';
import type { MemoryMap } from '../cpu/memory-map.js';

/** Kernel text, data, bss: 0xffffffff81000000 up. Exported symbols lie at the target's own addresses. */
export const IMAGE = region('image', 0x0100_0000, 0x1000_0000, 0xffff_ffff);
/** Page-allocator memory in the direct map: address = PAGE_OFFSET + physical address. */
export const RAM = region('ram', 0x1000_0000, 0x4000_0000, 0xffff_8880);
/** Module sections, 0xffffffffc0000000 up, as the kernel's MODULES_VADDR. */
export const MODULES = region('modules', 0x4000_0000, 0x5000_0000, 0xffff_ffff);
/** vmalloc, ioremap and kernel stacks. */
export const VMALLOC = region('vmalloc', 0x5000_0000, 0x6000_0000, 0xffff_c900);
/** struct page of every page frame: vmemmap_base + 64 * pfn, for 2^19 frames. */
export const VMEMMAP = region('vmemmap', 0x6000_0000, 0x6200_0000, 0xffff_ea00);
/** Memory of the (one) user process: buffers that system calls pass to the kernel. */
export const USER = region('user', 0x7000_0000, 0x7f00_0000, 0x0000_7ffe);

/** page_offset_base: the direct map of physical address 0, which is linear offset 0. */
export const PAGE_OFFSET = 0xffff_8880_8000_0000n;
export const VMEMMAP_BASE = 0xffff_ea00_e000_0000n;
export const VMALLOC_BASE = 0xffff_c900_d000_0000n;

/** The address space of Linux on x86-64 (Documentation/x86/x86_64/mm.rst), as far as it fits into linear offsets. */
export const MEMORY_MAP: MemoryMap = {
  regions: [IMAGE, RAM, MODULES, VMALLOC, VMEMMAP, USER],
  ram: RAM,
  user: USER,
  directMapUpper: RAM.upper,
};
