import { constant, nothing } from '../../kernel/abi/fidelity.js';
import type { Subsystem } from '../subsystem.js';

const NO_TYPES = 'memory has no types: it is cached as it is';

/** How memory is cached and encrypted (arch/x86/mm/pat), and translations that the processor remembers (arch/x86/mm/tlb.c). */
export class MemoryTypes implements Subsystem {
  readonly exports = {
    set_memory_uc: nothing(NO_TYPES, 0),
    set_memory_wc: nothing(NO_TYPES, 0),
    set_memory_wb: nothing(NO_TYPES, 0),
    set_pages_uc: nothing(NO_TYPES, 0),
    set_pages_wb: nothing(NO_TYPES, 0),
    set_pages_array_uc: nothing(NO_TYPES, 0),
    set_pages_array_wc: nothing(NO_TYPES, 0),
    set_pages_array_wb: nothing(NO_TYPES, 0),
    track_pfn_remap: nothing(NO_TYPES, 0),
    track_pfn_insert: nothing(NO_TYPES, undefined),
    untrack_pfn: nothing(NO_TYPES, undefined),
    // The processor encrypts no memory, and the kernel itself does nothing then.
    set_memory_encrypted: constant(0),
    set_memory_decrypted: constant(0),
    // Nobody sees a translation that is not true any more.
    flush_tlb_mm_range: constant(undefined),
    flush_tlb_kernel_range: constant(undefined),
    flush_tlb_func: constant(undefined),
    __flush_tlb_all: constant(undefined),
    arch_tlbbatch_flush: constant(undefined),
  };
}
