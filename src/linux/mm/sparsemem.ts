import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { PAGE_OFFSET, RAM, VMEMMAP } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';

/** MAX_PHYSMEM_BITS and SECTION_SIZE_BITS of x86-64 (arch/x86/include/asm/sparsemem.h), without 5-level page tables. */
const PHYSICAL_BITS = 46;
const SECTION_BITS = 27;
/** SECTION_MARKED_PRESENT, SECTION_HAS_MEM_MAP, SECTION_IS_ONLINE (include/linux/mmzone.h). */
const SECTION_FLAGS = 7n;
/** __PAGE_OFFSET where no variable holds it (CONFIG_RANDOMIZE_MEMORY). */
const FIXED_PAGE_OFFSET = 0xffff_8880_0000_0000n;

/**
 * Where the struct page of a page is, for kernels whose inline functions look it up by section of memory (mm/sparse.c; with
 * CONFIG_SPARSEMEM_VMEMMAP they reckon). struct pages lie in one row here, so all sections have the same map.
 */
export class SparseMemory implements Subsystem {
  static readonly builtIn = 'CONFIG_SPARSEMEM_EXTREME';

  constructor(private readonly k: LinuxKernel) {}

  readonly data = { mem_section: (at: Ptr) => this.fill(at) };

  private fill(at: Ptr): void {
    const { k } = this;
    if (k.configured('CONFIG_SPARSEMEM_VMEMMAP')) return;
    const section = k.struct('mem_section');
    const each = PAGE_SIZE / section.size;
    const roots = k.permanent((2 ** (PHYSICAL_BITS - SECTION_BITS) / each) * 8);
    const root = k.permanent(PAGE_SIZE);
    const map = this.firstPage() | SECTION_FLAGS;
    for (let i = 0; i < each; i++) section.setBig(root + i * section.size, 'section_mem_map', map);
    k.space.storePtr(roots, root);
    k.space.storePtr(at, roots);
  }

  /** The struct page of the page frame that inline code has for physical address 0. */
  private firstPage(): bigint {
    const { k } = this;
    const base = k.hasSymbol('page_offset_base') ? PAGE_OFFSET : FIXED_PAGE_OFFSET;
    const frame = (k.space.toAddress(RAM.start) - base) / BigInt(PAGE_SIZE) - BigInt(RAM.start / PAGE_SIZE);
    return k.space.toAddress(VMEMMAP.start) - frame * BigInt(k.sizeOf('page'));
  }
}
