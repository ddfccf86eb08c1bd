import { PAGE_SIZE, type Ptr, pageAlign } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { EBUSY, EFAULT, EINVAL, ENOMEM } from '../errno.js';
import { Oops } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { RwSemaphores } from '../locking/rwsem.js';
import { Ioremap } from '../mm/ioremap.js';
import { PageTables } from '../mm/page-tables.js';
import { PageExports } from '../mm/pages.js';
import { VmallocExports } from '../mm/vmalloc.js';
import type { Subsystem } from '../subsystem.js';
import { Once, warn } from '../warn.js';

/** vm_area_struct.vm_flags (include/linux/mm.h). */
const VM_WRITE = 0x2;
const VM_SHARED = 0x8;
const VM_MAYWRITE = 0x20;
const VM_PFNMAP = 0x400;
const VM_IO = 0x4000;
const VM_DONTEXPAND = 0x4_0000;
const VM_DONTDUMP = 0x400_0000;
const VM_MIXEDMAP = 0x1000_0000;

/** Flags in the upper bits of a pfn_t (include/linux/pfn_t.h). */
const PFN_NUMBER = (1n << 52n) - 1n;
/** page.flags: allocated by the slab allocator (up to 6.9). */
const PG_SLAB = 1n << 9n;
/** page.mapping: a page without a file. */
const PAGE_MAPPING_ANON = 1;

const NOT_MAPPED = 'no program of the machine maps files';

const bug = (why: string, at: Ptr): Oops => new Oops('bug', 'kernel BUG at mm/memory.c!', at, why);

/** What drivers do in their mmap() and in faults of what they have mapped (mm/memory.c, mm/vmalloc.c). */
export class Remapping implements Subsystem {
  private readonly once = new Once();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    remap_pfn_range: (vma: Ptr, address: number, pfn: number, size: number) =>
      this.remap(vma, address, pfn, size),
    vm_insert_page: (vma: Ptr, address: number, page: Ptr) => this.insertPage(vma, address, page),
    vm_insert_pages: (vma: Ptr, address: number, pages: Ptr, count: Ptr) =>
      this.insertPages(vma, address, pages, count),
    vmf_insert_pfn: (vma: Ptr, address: number, pfn: number) => this.insertPfn(vma, address, pfn),
    vmf_insert_pfn_prot: (vma: Ptr, address: number, pfn: number) => this.insertPfn(vma, address, pfn),
    vmf_insert_mixed: (vma: Ptr, address: number, pfn: bigint) =>
      this.insertMixed(vma, address, Number(pfn & PFN_NUMBER)),
    remap_vmalloc_range: (vma: Ptr, address: Ptr, offset: number) => {
      const type = this.k.struct('vm_area_struct');
      const start = type.get(vma, 'vm_start');
      return this.remapVmalloc(vma, start, address, offset, type.get(vma, 'vm_end') - start);
    },
    remap_vmalloc_range_partial: (vma: Ptr, start: number, from: Ptr, offset: number, size: number) =>
      this.remapVmalloc(vma, start, from, offset, size),
    zap_vma_ptes: (vma: Ptr, address: number, size: number) => this.zap(vma, address, size),
    follow_pfn: (vma: Ptr, address: number, slot: Ptr) => this.follow(vma, address, slot),
    generic_access_phys: (vma: Ptr, address: number, buffer: Ptr, length: number, write: number) =>
      this.access(vma, address, buffer, length, write !== 0),
    unmap_mapping_range: nothing(NOT_MAPPED, undefined),
    unmap_mapping_pages: nothing(NOT_MAPPED, undefined),
    unmap_mapping_folio: nothing(NOT_MAPPED, undefined),
    folio_mkclean: nothing(NOT_MAPPED, 0),
  };

  readonly signatures = {
    vmf_insert_mixed: 'u:pLQ',
  };

  private remap(vma: Ptr, address: number, pfn: number, size: number): number {
    const { k } = this;
    const type = k.struct('vm_area_struct');
    if (address % PAGE_SIZE !== 0) {
      if (this.once.first('aligned')) warn(k, '', 'mm/memory.c', 'remap_pfn_range');
      return -EINVAL;
    }
    const end = address + pageAlign(size);
    if (this.isCopied(vma)) {
      if (address !== type.get(vma, 'vm_start') || end !== type.get(vma, 'vm_end')) return -EINVAL;
      type.set(vma, 'vm_pgoff', pfn);
    }
    this.addFlags(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
    if (address >= end) throw bug('nothing is to be mapped', vma);
    const tables = k.get(PageTables);
    const mm = type.get(vma, 'vm_mm');
    for (let at = address, number = pfn; at < end; at += PAGE_SIZE, number++)
      if (!tables.map(mm, at, { pfn: number, page: 0 })) throw bug('something is mapped there already', vma);
    return 0;
  }

  private insertPage(vma: Ptr, address: number, page: Ptr): number {
    const { k } = this;
    if (!this.isInside(vma, address)) return -EFAULT;
    const pages = k.struct('page');
    if (pages.get(page, '_refcount.counter') === 0) return -EINVAL;
    this.prepareMixed(vma);
    const isSlab = (pages.getBig(page, 'flags') & PG_SLAB) !== 0n;
    if (isSlab || (pages.get(page, 'mapping') & PAGE_MAPPING_ANON) !== 0) return -EINVAL;
    // A page of a type of its own has that where others count how often they are mapped.
    if (pages.get(page, '_mapcount.counter') < -1) return -EINVAL;
    const pfn = k.get(PageExports).addressOf(page) / PAGE_SIZE;
    const mm = k.struct('vm_area_struct').get(vma, 'vm_mm');
    return k.get(PageTables).map(mm, address, { pfn, page }) ? 0 : -EBUSY;
  }

  /** Who is first to insert a page holds the lock of the address space for writing. */
  private prepareMixed(vma: Ptr): void {
    const { k } = this;
    const type = k.struct('vm_area_struct');
    const flags = type.get(vma, 'vm_flags');
    if ((flags & VM_MIXEDMAP) !== 0) return;
    const lock = k.struct('mm_struct').addr(type.get(vma, 'vm_mm'), 'mmap_lock');
    if (k.get(RwSemaphores).exports.down_read_trylock(lock) !== 0)
      throw bug('the lock of the address space is not held for writing', vma);
    if ((flags & VM_PFNMAP) !== 0) throw bug('pages are inserted where numbers are', vma);
    this.addFlags(vma, VM_MIXEDMAP);
  }

  /** `count`: how many, and afterwards how many are left. */
  private insertPages(vma: Ptr, address: number, pages: Ptr, count: Ptr): number {
    const { space } = this.k;
    const total = space.loadU64(count);
    const last = address + total * PAGE_SIZE - 1;
    if (!this.isInside(vma, address) || last >= this.k.struct('vm_area_struct').get(vma, 'vm_end'))
      return -EFAULT;
    let error = 0;
    let done = 0;
    for (; done < total; done++) {
      error = this.insertPage(vma, address + done * PAGE_SIZE, space.loadPtr(pages + 8 * done));
      if (error) break;
    }
    space.storeLong(count, total - done);
    return error;
  }

  private insertPfn(vma: Ptr, address: number, pfn: number): number {
    const type = this.k.struct('vm_area_struct');
    const kind = type.get(vma, 'vm_flags') & (VM_PFNMAP | VM_MIXEDMAP);
    if (kind === 0 || kind === (VM_PFNMAP | VM_MIXEDMAP))
      throw bug('numbers or pages are mapped, not both', vma);
    if (kind === VM_PFNMAP && this.isCopied(vma)) throw bug('a private mapping of numbers', vma);
    if (kind === VM_MIXEDMAP && this.isMemory(pfn)) throw bug('a page by its number', vma);
    if (!this.isInside(vma, address)) return this.fault('SIGBUS');
    this.k.get(PageTables).map(type.get(vma, 'vm_mm'), pageOf(address), { pfn, page: 0 });
    return this.fault('NOPAGE');
  }

  private insertMixed(vma: Ptr, address: number, pfn: number): number {
    const { k } = this;
    const type = k.struct('vm_area_struct');
    if ((type.get(vma, 'vm_flags') & (VM_PFNMAP | VM_MIXEDMAP)) === 0)
      throw bug('nothing of the kind is mapped', vma);
    if (!this.isInside(vma, address)) return this.fault('SIGBUS');
    const page = this.isMemory(pfn) ? k.get(PageExports).toPage(pfn * PAGE_SIZE) : 0;
    if (page !== 0 && (type.get(vma, 'vm_flags') & VM_MIXEDMAP) !== 0) {
      const error = this.insertPage(vma, pageOf(address), page);
      if (error === -ENOMEM) return this.fault('OOM');
      return error === 0 || error === -EBUSY ? this.fault('NOPAGE') : this.fault('SIGBUS');
    }
    k.get(PageTables).map(type.get(vma, 'vm_mm'), pageOf(address), { pfn, page: 0 });
    return this.fault('NOPAGE');
  }

  private remapVmalloc(vma: Ptr, start: number, from: Ptr, offset: number, bytes: number): number {
    const { k } = this;
    const size = pageAlign(bytes);
    if (start % PAGE_SIZE !== 0 || from % PAGE_SIZE !== 0) return -EINVAL;
    const room = k.get(VmallocExports).userBytesAt(from);
    if (room === undefined || offset * PAGE_SIZE + size > room) return -EINVAL;
    for (let at = 0; at < size; at += PAGE_SIZE) {
      const page = k.get(PageExports).toPage(from + offset * PAGE_SIZE + at);
      const error = this.insertPage(vma, start + at, page);
      if (error) return error;
    }
    this.addFlags(vma, VM_DONTEXPAND | VM_DONTDUMP);
    return 0;
  }

  private zap(vma: Ptr, address: number, size: number): void {
    const type = this.k.struct('vm_area_struct');
    const outside = address < type.get(vma, 'vm_start') || address + size > type.get(vma, 'vm_end');
    if (outside || (type.get(vma, 'vm_flags') & VM_PFNMAP) === 0) return;
    this.k.get(PageTables).clear(type.get(vma, 'vm_mm'), address, size);
  }

  private follow(vma: Ptr, address: number, slot: Ptr): number {
    const type = this.k.struct('vm_area_struct');
    if ((type.get(vma, 'vm_flags') & (VM_IO | VM_PFNMAP)) === 0) return -EINVAL;
    const entry = this.k.get(PageTables).at(type.get(vma, 'vm_mm'), pageOf(address));
    if (!entry) return -EINVAL;
    this.k.space.storeLong(slot, entry.pfn);
    return 0;
  }

  /** generic_access_phys(): what a debugger sees of memory of a device that is mapped by its number. */
  private access(vma: Ptr, address: number, buffer: Ptr, length: number, write: boolean): number {
    const { k } = this;
    const type = k.struct('vm_area_struct');
    const flags = type.get(vma, 'vm_flags');
    if ((flags & (VM_IO | VM_PFNMAP)) === 0) return -EINVAL;
    const entry = k.get(PageTables).at(type.get(vma, 'vm_mm'), pageOf(address));
    if (!entry || (write && (flags & VM_WRITE) === 0)) return -EINVAL;
    const ioremap = k.get(Ioremap);
    const offset = address % PAGE_SIZE;
    const mapped = ioremap.map(entry.pfn * PAGE_SIZE, pageAlign(length + offset));
    if (mapped === 0) return -ENOMEM;
    const [to, from] = write ? [mapped + offset, buffer] : [buffer, mapped + offset];
    k.space.writable(to, length).set(k.space.readable(from, length));
    ioremap.unmap(mapped);
    return length;
  }

  /** Whether what a program writes to a mapping is its own alone (is_cow_mapping). */
  private isCopied(vma: Ptr): boolean {
    return (this.k.struct('vm_area_struct').get(vma, 'vm_flags') & (VM_SHARED | VM_MAYWRITE)) === VM_MAYWRITE;
  }

  private isInside(vma: Ptr, address: number): boolean {
    const type = this.k.struct('vm_area_struct');
    return address >= type.get(vma, 'vm_start') && address < type.get(vma, 'vm_end');
  }

  /** pfn_valid(): whether a number is that of memory with a struct page. */
  private isMemory(pfn: number): boolean {
    return this.k.get(Ioremap).exports.__virt_addr_valid(pfn * PAGE_SIZE);
  }

  private fault(reason: string): number {
    return this.k.enumValue(`VM_FAULT_${reason}`);
  }

  private addFlags(vma: Ptr, flags: number): void {
    const type = this.k.struct('vm_area_struct');
    type.set(vma, 'vm_flags', type.get(vma, 'vm_flags') | flags);
  }
}

function pageOf(address: number): number {
  return address - (address % PAGE_SIZE);
}
