import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { constant, nothing } from '../../kernel/abi/fidelity.js';
import { Panic } from '../kern/panic.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { ALL_VALID, VmObjects } from './vm-object.js';

/** Pages of VM objects, as drivers work with them (sys/vm/vm_page.c, sys/amd64/amd64/pmap.c, sys/kern/kern_physio.c). Nothing is ever paged out. */
export class VmPages implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    vm_page_grab_unlocked: (object: Ptr, index: number, flags: number) =>
      this.objects.grab(object, index, flags),
    vm_pager_get_pages: () => this.k.macro('VM_PAGER_FAIL'),
    vm_page_valid: (page: Ptr) => this.k.struct('vm_page').set(page, 'valid', ALL_VALID),
    vm_page_free: (page: Ptr) => this.objects.freePage(page),
    vm_page_activate: () => {},
    vm_page_reference: () => {},
    pmap_zero_page: (page: Ptr) => this.objects.zero(page, 0, PAGE_SIZE),
    physcopyin: (from: Ptr, to: number, bytes: number) => this.copy(from, this.memory(to, bytes), bytes),
    physcopyout: (from: number, to: Ptr, bytes: number) => this.copy(this.memory(from, bytes), to, bytes),
    // The caches of the processor are coherent.
    cpu_flush_dcache: () => {},
    kva_alloc: (bytes: number) => this.reserve(bytes),
    kva_free: (address: bigint) => void this.k.areas.free(this.k.space.fromAddress(address)),
    swap_reserve_by_cred: nothing('swap space is not counted', true),
    swap_release_by_cred: () => {},
    swap_pager_reserve: constant(0),
  };

  readonly signatures = { kva_alloc: 'Q:L', kva_free: 'v:QL' };

  private get objects(): VmObjects {
    return this.k.get(VmObjects);
  }

  /** Addresses that nothing is mapped at: 0 where there are none left. */
  private reserve(bytes: number): bigint {
    const at = this.k.areas.allocateWindow(bytes, 'device');
    return at === 0 ? 0n : this.k.space.toAddress(at);
  }

  private memory(physical: number, bytes: number): Ptr {
    const at = this.objects.memoryAt(physical);
    const isWithin = (physical % PAGE_SIZE) + bytes <= PAGE_SIZE;
    if (at !== undefined && isWithin) return at;
    throw new Panic(
      `${bytes} bytes at physical address 0x${physical.toString(16)} are no page's`,
      'page-fault',
    );
  }

  private copy(from: Ptr, to: Ptr, bytes: number): number {
    this.k.space.writable(to, bytes).set(this.k.space.readable(from, bytes).slice());
    return 0;
  }
}
