import { PAGE_SHIFT, PAGE_SIZE, type Ptr } from '../../../cpu/layout.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import { EIO } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { IMAGE, RAM, VMEMMAP } from '../../memory-map.js';
import { deviceName, driverName } from '../../printk/device-names.js';
import type { Subsystem } from '../../subsystem.js';
import { Once, warn } from '../../warn.js';
import { Devres } from '../base/devres.js';
import { DMA_MAPPING_ERROR, DmaDebug } from './dma-debug.js';
import { DIRECTIONS, type DmaDirection, type DmaKind } from './dma-table.js';
import { entriesOf, mappedPart, physicalOf, physicalOfEntry, setMappedPart } from './scatterlist.js';

/** Attributes (include/linux/dma-mapping.h). */
const ATTR_SKIP_CPU_SYNC = 1 << 5;
const ATTR_NO_WARN = 1 << 8;
/** Memory for devices of 24 bits, of ISA (DMA_BIT_MASK(zone_dma_bits)): less than that no device may have. */
const ZONE_DMA_MASK = 0xff_ffffn;
const LAST_PAGE = RAM.start + RAM.size - PAGE_SIZE;
const SIZE_MAX = (1n << 64n) - 1n;
const PLACE = 'kernel/dma/mapping.c';

/** Where, and how much, as functions of both kinds of memory take it. */
interface Range {
  readonly address: number;
  readonly size: number;
  readonly attrs: number;
}

function directionOf(number: number): DmaDirection {
  return DIRECTIONS[number] ?? 'DMA_NONE';
}

/**
 * DMA mappings (kernel/dma/mapping.c, direct.c; Documentation/core-api/dma-api.rst): the machine has no IOMMU that changes addresses, so a
 * device's address of memory is its physical address, and all memory is coherent. What is mapped is kept (DmaDebug): devices are held to it.
 */
export class DmaMapping implements Subsystem {
  private readonly once = new Once();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dma_alloc_attrs: (device: Ptr, size: number, handle: Ptr) => this.allocate(device, size, handle),
    dma_free_attrs: (device: Ptr, size: number, ptr: Ptr, handle: bigint) => {
      // Freeing may have to wait where memory is remapped, which drivers are to hold themselves to everywhere.
      if (!this.k.cpu.interruptsEnabled) warn(this.k, '', 'kernel/dma/mapping.c:533', 'dma_free_attrs');
      this.free(device, size, ptr, handle);
    },
    dmam_alloc_attrs: (device: Ptr, size: number, handle: Ptr) => this.allocateManaged(device, size, handle),
    dmam_free_coherent: (device: Ptr, size: number, ptr: Ptr, handle: bigint) => {
      if (this.k.get(Devres).takeHost(device, ptr)) this.free(device, size, ptr, handle);
      else warn(this.k, '', PLACE, 'dmam_free_coherent');
    },
    dma_alloc_pages: (device: Ptr, size: number, handle: Ptr, direction: number) =>
      this.allocatePages(device, size, handle, directionOf(direction)),
    dma_free_pages: (device: Ptr, size: number, page: Ptr, handle: bigint, direction: number) => {
      this.unmap(device, handle, size, directionOf(direction), 'single');
      this.k.pages.free(physicalOf(this.k, page));
    },
    dma_map_page_attrs: (
      device: Ptr,
      page: Ptr,
      offset: number,
      size: number,
      direction: number,
      attrs: number,
    ) =>
      this.mapPage(
        device,
        { address: physicalOf(this.k, page) + offset, size, attrs },
        directionOf(direction),
      ),
    dma_unmap_page_attrs: (device: Ptr, address: bigint, size: number, direction: number) =>
      this.unmap(device, address, size, directionOf(direction), 'single'),
    dma_map_sg_attrs: (device: Ptr, list: Ptr, count: number, direction: number, attrs: number) =>
      this.mapList(device, list, count, directionOf(direction), attrs),
    dma_map_sgtable: (device: Ptr, table: Ptr, direction: number, attrs: number) =>
      this.mapTable(device, table, directionOf(direction), attrs),
    dma_unmap_sg_attrs: (device: Ptr, list: Ptr, count: number, direction: number) =>
      this.unmapList(device, list, count, directionOf(direction)),
    dma_map_resource: (device: Ptr, address: bigint, size: number, direction: number, attrs: number) =>
      this.mapResource(device, { address: Number(address), size, attrs }, directionOf(direction)),
    dma_unmap_resource: (device: Ptr, address: bigint, size: number, direction: number) =>
      this.unmap(device, address, size, directionOf(direction), 'resource'),
    dma_sync_single_for_cpu: this.syncSingle,
    dma_sync_single_for_device: this.syncSingle,
    dma_sync_sg_for_cpu: this.syncList,
    dma_sync_sg_for_device: this.syncList,
    __dma_sync_single_for_cpu: this.syncSingle,
    __dma_sync_single_for_device: this.syncSingle,
    __dma_sync_sg_for_cpu: this.syncList,
    __dma_sync_sg_for_device: this.syncList,
    __dma_need_sync: constant(false),
    dma_need_sync: constant(false),
    dma_set_mask: (device: Ptr, mask: bigint) => this.setMask(device, mask),
    dma_set_coherent_mask: (device: Ptr, mask: bigint) => {
      if (!isSupported(mask)) return -EIO;
      this.k.struct('device').setBig(device, 'coherent_dma_mask', mask);
      return 0;
    },
    // The highest address of memory, with all bits below it.
    dma_get_required_mask: constant((1n << BigInt(LAST_PAGE.toString(2).length)) - 1n),
    dma_max_mapping_size: constant(SIZE_MAX),
    dma_opt_mapping_size: constant(SIZE_MAX),
    dma_can_mmap: constant(true),
    dma_get_merge_boundary: constant(0),
  };

  readonly signatures = {
    dma_free_attrs: 'v:pLpQL',
    dmam_free_coherent: 'v:pLpQ',
    dma_free_pages: 'v:pLpQi',
    dma_set_mask: 'i:pQ',
    dma_set_coherent_mask: 'i:pQ',
    dma_map_page_attrs: 'Q:ppLLiL',
    dma_unmap_page_attrs: 'v:pQLiL',
    dma_map_resource: 'Q:pQLiL',
    dma_unmap_resource: 'v:pQLiL',
    dma_sync_single_for_cpu: 'v:pQLi',
    dma_sync_single_for_device: 'v:pQLi',
    __dma_sync_single_for_cpu: 'v:pQLi',
    __dma_sync_single_for_device: 'v:pQLi',
    dma_get_required_mask: 'Q:p',
    dma_max_mapping_size: 'Q:p',
    dma_opt_mapping_size: 'Q:p',
  };

  private get debug(): DmaDebug {
    return this.k.get(DmaDebug);
  }

  /** dma_alloc_attrs(): zeroed pages and, through `handle`, their address on the bus. */
  private allocate(device: Ptr, size: number, handle: Ptr): Ptr {
    const { k } = this;
    if (
      device !== 0 &&
      k.struct('device').getBig(device, 'coherent_dma_mask') === 0n &&
      this.once.first('coherent mask')
    )
      warn(k, '', PLACE, 'dma_alloc_attrs');
    const ptr = this.takePages(size);
    if (ptr === 0) return 0;
    k.space.store64(handle, BigInt(ptr));
    this.note(device, 'coherent', { address: ptr, size, attrs: 0 }, 'DMA_BIDIRECTIONAL');
    return ptr;
  }

  private takePages(size: number): Ptr {
    let order = 0;
    while (PAGE_SIZE << order < size) order++;
    return this.k.pages.allocate(order);
  }

  private allocateManaged(device: Ptr, size: number, handle: Ptr): Ptr {
    const ptr = this.allocate(device, size, handle);
    if (ptr !== 0) this.k.get(Devres).addHost(device, ptr, () => this.free(device, size, ptr, BigInt(ptr)));
    return ptr;
  }

  private free(device: Ptr, size: number, ptr: Ptr, handle: bigint): void {
    if (ptr === 0) return;
    this.unmap(device, handle, size, 'DMA_BIDIRECTIONAL', 'coherent');
    this.debug.forgetCoherent(device, ptr);
    this.k.pages.free(ptr);
  }

  /** dma_alloc_pages(): a struct page, of memory that is mapped already. */
  private allocatePages(device: Ptr, size: number, handle: Ptr, direction: DmaDirection): Ptr {
    const { k } = this;
    const ptr = this.takePages(size);
    if (ptr === 0) return 0;
    k.space.store64(handle, BigInt(ptr));
    this.note(device, 'single', { address: ptr, size, attrs: 0 }, direction);
    return VMEMMAP.start + (ptr >>> PAGE_SHIFT) * k.sizeOf('page');
  }

  private setMask(device: Ptr, mask: bigint): number {
    const slot = this.k.struct('device').get(device, 'dma_mask');
    if (slot === 0 || !isSupported(mask)) return -EIO;
    this.k.space.store64(slot, mask);
    return 0;
  }

  private note(device: Ptr, kind: DmaKind, range: Range, direction: DmaDirection, entries = 1): void {
    const { address, size, attrs } = range;
    const mayOverlap = (attrs & ATTR_SKIP_CPU_SYNC) !== 0;
    this.debug.map({ device, kind, address, size, direction, entries, mayOverlap });
  }

  /** A device's dma_mask; undefined, with a warning, where it has none. */
  private maskOf(device: Ptr, fn: string): bigint | undefined {
    const slot = this.k.struct('device').get(device, 'dma_mask');
    if (slot !== 0) return this.k.space.load64(slot);
    if (this.once.first(fn)) warn(this.k, '', PLACE, fn);
    return undefined;
  }

  /** dma_capable(), with a word where it is not. */
  private reaches(device: Ptr, { address, size, attrs }: Range, mask: bigint, fn: string): boolean {
    if (BigInt(address) + BigInt(size) - 1n <= mask) return true;
    if ((attrs & ATTR_NO_WARN) === 0 && this.once.first('overflow')) {
      const { k } = this;
      const range = `DMA addr 0x${address.toString(16).padStart(16, '0')}+${size} overflow`;
      const limits = `(mask ${mask.toString(16)}, bus limit 0).`;
      warn(
        k,
        `${driverName(k, device)} ${deviceName(k, device)}: ${range} ${limits}`,
        'kernel/dma/direct.h',
        fn,
      );
    }
    return false;
  }

  private mapPage(device: Ptr, range: Range, direction: DmaDirection): bigint {
    const mask = this.maskOf(device, 'dma_map_page_attrs');
    if (mask === undefined || !this.reaches(device, range, mask, 'dma_map_page_attrs'))
      return DMA_MAPPING_ERROR;
    this.checkArea(device, range);
    this.note(device, 'single', range, direction);
    return BigInt(range.address);
  }

  /** check_for_stack(), check_for_illegal_area(), and what has no page. */
  private checkArea(device: Ptr, { address, size }: Range): void {
    const { k, debug } = this;
    const isIn = ({ start, size: bytes }: typeof RAM): boolean =>
      address >= start && address + size <= start + bytes;
    if (isIn(RAM)) return;
    const meets = (from: string, to: string): boolean =>
      k.hasSymbol(from) && k.hasSymbol(to) && address < k.symbol(to) && address + size > k.symbol(from);
    if (!isIn(IMAGE)) debug.tellArea(device, 'invalid area', address, size);
    else if (meets('_stext', '_etext') || meets('__start_rodata', '__end_rodata'))
      debug.tellArea(device, 'kernel text or rodata', address, size);
  }

  private unmap(device: Ptr, address: bigint, size: number, direction: DmaDirection, kind: DmaKind): void {
    this.debug.unmap({ device, address, size, direction, kind });
  }

  /** dma_map_sg_attrs(): how many entries are mapped, 0 where one cannot be. */
  private mapList(device: Ptr, list: Ptr, count: number, direction: DmaDirection, attrs: number): number {
    const { k } = this;
    const mask = this.maskOf(device, 'dma_map_sg_attrs');
    if (mask === undefined) return 0;
    const type = k.struct('scatterlist');
    const ranges = [...entriesOf(k, list, count)].map((entry) => ({
      entry,
      address: physicalOfEntry(k, entry),
      size: type.get(entry, 'length'),
      attrs,
    }));
    if (!ranges.every((range) => this.reaches(device, range, mask, 'dma_map_sg_attrs'))) return 0;
    for (const range of ranges) {
      setMappedPart(k, range.entry, range.address);
      this.checkArea(device, range);
      this.note(device, 'scatter-gather', range, direction, count);
    }
    return count;
  }

  private mapTable(device: Ptr, table: Ptr, direction: DmaDirection, attrs: number): number {
    const type = this.k.struct('sg_table');
    const list = type.get(table, 'sgl');
    const mapped = this.mapList(device, list, type.get(table, 'orig_nents'), direction, attrs);
    if (mapped === 0) return -EIO;
    type.set(table, 'nents', mapped);
    return 0;
  }

  private unmapList(device: Ptr, list: Ptr, count: number, direction: DmaDirection): void {
    for (const entry of entriesOf(this.k, list, count)) {
      const { address, size } = mappedPart(this.k, entry);
      const kind = 'scatter-gather';
      this.debug.unmap({ device, address: BigInt(address), size, direction, kind, entries: count });
    }
  }

  private mapResource(device: Ptr, range: Range, direction: DmaDirection): bigint {
    const mask = this.maskOf(device, 'dma_map_resource');
    if (mask === undefined) return DMA_MAPPING_ERROR;
    if (range.address >= RAM.start && range.address < RAM.start + RAM.size) {
      if (this.once.first('resource')) warn(this.k, '', PLACE, 'dma_map_resource');
      return DMA_MAPPING_ERROR;
    }
    if (!this.reaches(device, range, mask, 'dma_map_resource')) return DMA_MAPPING_ERROR;
    this.note(device, 'resource', range, direction);
    return BigInt(range.address);
  }

  /** Memory is coherent: there is nothing to do but to look whether it may be asked for. */
  private get syncSingle(): (device: Ptr, address: bigint, size: number, direction: number) => void {
    return (device, address, size, direction) =>
      this.debug.sync({ device, address, size, direction: directionOf(direction) });
  }

  private get syncList(): (device: Ptr, list: Ptr, count: number, direction: number) => void {
    return (device, list, count, direction) => {
      for (const entry of entriesOf(this.k, list, count)) {
        const { address, size } = mappedPart(this.k, entry);
        this.debug.sync({ device, address: BigInt(address), size, direction: directionOf(direction) });
      }
    };
  }
}

/** dma_direct_supported(): whether memory can be had that a device of that mask reaches. */
function isSupported(mask: bigint): boolean {
  return mask >= ZONE_DMA_MASK;
}
