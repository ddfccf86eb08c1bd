import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { Unimplemented } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { VMEMMAP } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';

/**
 * Mappings of pages that are there already (mm/vmalloc.c). An address is a page's own in this machine's memory (see
 * ARCHITECTURE.md, addresses), so that pages can be mapped together only where they follow each other: then
 * their direct mapping is the mapping. Others are refused by name.
 */
export class PageMappings implements Subsystem {
  private readonly mapped = new Map<Ptr, number>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    vmap: (pages: Ptr, count: number) => this.map(pages, count),
    vunmap: (address: Ptr) => this.unmap(address),
    vm_map_ram: (pages: Ptr, count: number) => this.map(pages, count),
    vm_unmap_ram: (address: Ptr) => this.unmap(address),
  };

  private map(pages: Ptr, count: number): Ptr {
    if (count === 0) return 0;
    const pageBytes = this.k.sizeOf('page');
    const first = this.k.space.loadPtr(pages);
    for (let i = 1; i < count; i++)
      if (this.k.space.loadPtr(pages + 8 * i) !== first + i * pageBytes)
        throw new Unimplemented('vmap of pages that do not follow each other', '');
    const address = ((first - VMEMMAP.start) / pageBytes) * PAGE_SIZE;
    this.mapped.set(address, (this.mapped.get(address) ?? 0) + 1);
    return address;
  }

  private unmap(address: Ptr): void {
    if (address === 0) return;
    const count = this.mapped.get(address);
    if (count === undefined) {
      this.warn(address);
      return;
    }
    if (count > 1) this.mapped.set(address, count - 1);
    else this.mapped.delete(address);
  }

  private warn(address: Ptr): void {
    const { k } = this;
    const text = k.space.toAddress(address).toString(16).padStart(16, '0');
    const message = `Trying to vfree() nonexistent vm area (${text})`;
    k.traps.warnWith(k.executor.current!, 'bad-free', message, 'mm/vmalloc.c', k.fn('vunmap'));
  }
}
