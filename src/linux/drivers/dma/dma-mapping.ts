import type { Ptr } from '../../../cpu/layout.js';
import { PAGE_SHIFT, PAGE_SIZE } from '../../../cpu/layout.js';
import { nothing, partly } from '../../../kernel/abi/fidelity.js';
import { EIO } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { VMEMMAP } from '../../memory-map.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { Devres } from '../base/devres.js';
import { DmaDebug } from './dma-debug.js';

/** sg->page_link: its low bits say whether the list goes on (include/linux/scatterlist.h). */
const SG_CHAIN = 1;
const SG_END = 2;
/** DMA_MAPPING_ERROR */
const MAPPING_ERROR = (1n << 64n) - 1n;

/**
 * DMA mappings (kernel/dma/mapping.c, Documentation/core-api/dma-api.rst): the machine has no IOMMU, so a
 * device's address of memory is its physical address, and all memory is coherent.
 */
export class DmaMapping implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    dma_alloc_attrs: (_device: Ptr, size: number, handle: Ptr) => this.allocate(size, handle),
    dma_free_attrs: (_device: Ptr, _size: number, ptr: Ptr) => {
      // Freeing may have to wait where memory is remapped, which drivers are to hold themselves to everywhere.
      if (!this.k.cpu.interruptsEnabled) warn(this.k, '', 'kernel/dma/mapping.c:533', 'dma_free_attrs');
      this.free(ptr);
    },
    dmam_alloc_attrs: (device: Ptr, size: number, handle: Ptr) => {
      const ptr = this.allocate(size, handle);
      if (ptr !== 0) this.k.get(Devres).addHost(device, ptr, (_device, data) => this.free(data));
      return ptr;
    },
    dmam_free_coherent: (device: Ptr, _size: number, ptr: Ptr) => {
      if (this.k.get(Devres).takeHost(device, ptr)) this.free(ptr);
    },
    dma_map_page_attrs: (device: Ptr, page: Ptr, offset: number, size: number) =>
      this.mapPage(device, page, offset, size),
    dma_unmap_page_attrs: (_device: Ptr, address: bigint) => this.k.get(DmaDebug).unmap(Number(address)),
    dma_map_sg_attrs: (_device: Ptr, list: Ptr, count: number) => this.mapList(list, count),
    dma_map_sgtable: (_device: Ptr, table: Ptr) => this.mapTable(table),
    dma_unmap_sg_attrs: (_device: Ptr, list: Ptr, count: number) => this.unmapList(list, count),
    dma_map_resource: partly(
      'no device reads or writes memory, so mappings are not followed',
      (_device: Ptr, address: number) => address,
    ),
    dma_unmap_resource: nothing('no device reads or writes memory, so mappings are not followed', undefined),
    dma_sync_single_for_cpu: nothing(
      'no device reads or writes memory, so mappings are not followed',
      undefined,
    ),
    dma_sync_single_for_device: nothing(
      'no device reads or writes memory, so mappings are not followed',
      undefined,
    ),
    dma_sync_sg_for_cpu: nothing('no device reads or writes memory, so mappings are not followed', undefined),
    dma_sync_sg_for_device: nothing(
      'no device reads or writes memory, so mappings are not followed',
      undefined,
    ),
    __dma_sync_single_for_cpu: nothing(
      'no device reads or writes memory, so mappings are not followed',
      undefined,
    ),
    __dma_sync_single_for_device: nothing(
      'no device reads or writes memory, so mappings are not followed',
      undefined,
    ),
    __dma_sync_sg_for_cpu: nothing(
      'no device reads or writes memory, so mappings are not followed',
      undefined,
    ),
    __dma_sync_sg_for_device: nothing(
      'no device reads or writes memory, so mappings are not followed',
      undefined,
    ),
    __dma_need_sync: nothing('no device reads or writes memory, so mappings are not followed', false),
    dma_set_mask: (device: Ptr, mask: bigint) => this.setMask(device, mask),
    dma_set_coherent_mask: (device: Ptr, mask: bigint) => {
      this.k.struct('device').setBig(device, 'coherent_dma_mask', mask);
      return 0;
    },
    dma_get_required_mask: nothing('there is no IOMMU and no limit of a device', 0x7fff_ffff),
    dma_max_mapping_size: nothing('there is no IOMMU and no limit of a device', Number.MAX_SAFE_INTEGER),
    dma_opt_mapping_size: nothing('there is no IOMMU and no limit of a device', Number.MAX_SAFE_INTEGER),
    dma_need_sync: nothing('no device reads or writes memory, so mappings are not followed', false),
    dma_can_mmap: nothing('there is no IOMMU and no limit of a device', true),
    dma_get_merge_boundary: nothing('there is no IOMMU and no limit of a device', 0),
  };

  readonly signatures = {
    dma_unmap_page_attrs: 'v:pQ',
    dma_set_mask: 'i:pQ',
    dma_set_coherent_mask: 'i:pQ',
    dma_map_page_attrs: 'Q:ppLL',
  };

  /** dma_alloc_attrs(): zeroed pages and, through `handle`, their address on the bus. */
  private allocate(size: number, handle: Ptr): Ptr {
    let order = 0;
    while (PAGE_SIZE << order < size) order++;
    const ptr = this.k.pages.allocate(order);
    if (ptr === 0) return 0;
    this.k.space.store64(handle, BigInt(ptr));
    this.k.get(DmaDebug).map(ptr, PAGE_SIZE << order);
    return ptr;
  }

  private free(ptr: Ptr): void {
    if (ptr === 0) return;
    this.k.get(DmaDebug).unmap(ptr);
    this.k.pages.free(ptr);
  }

  private setMask(device: Ptr, mask: bigint): number {
    const slot = this.k.struct('device').get(device, 'dma_mask');
    if (slot === 0) return -EIO;
    this.k.space.store64(slot, mask);
    return 0;
  }

  /** Physical address of a struct page's memory. */
  private physical(page: Ptr): number {
    return Math.floor((page - VMEMMAP.start) / this.k.sizeOf('page')) * (1 << PAGE_SHIFT);
  }

  private mapPage(device: Ptr, page: Ptr, offset: number, size: number): bigint {
    const slot = this.k.struct('device').get(device, 'dma_mask');
    const address = BigInt(this.physical(page) + offset);
    const limit = slot === 0 ? 0n : this.k.space.load64(slot);
    if (address + BigInt(size) - 1n > limit) return MAPPING_ERROR;
    this.k.get(DmaDebug).map(Number(address), size);
    return address;
  }

  private mapList(list: Ptr, count: number): number {
    const type = this.k.struct('scatterlist');
    let at = list;
    for (let i = 0; i < count; i++) {
      const page = this.k.space.fromAddress(type.getBig(at, 'page_link') & ~3n);
      type.set(at, 'dma_address', this.physical(page) + type.get(at, 'offset'));
      this.k.get(DmaDebug).map(type.get(at, 'dma_address'), type.get(at, 'length'));
      if (type.has('dma_length')) type.set(at, 'dma_length', type.get(at, 'length'));
      at = this.next(at);
      if (at === 0) break;
    }
    return count;
  }

  private unmapList(list: Ptr, count: number): void {
    let at = list;
    for (let i = 0; i < count && at !== 0; i++, at = this.next(at))
      this.k.get(DmaDebug).unmap(this.k.struct('scatterlist').get(at, 'dma_address'));
  }

  private next(at: Ptr): Ptr {
    const type = this.k.struct('scatterlist');
    if (type.getBig(at, 'page_link') & BigInt(SG_END)) return 0;
    const following = at + type.size;
    const link = type.getBig(following, 'page_link');
    return link & BigInt(SG_CHAIN) ? this.k.space.fromAddress(link & ~3n) : following;
  }

  private mapTable(table: Ptr): number {
    const type = this.k.struct('sg_table');
    type.set(table, 'nents', this.mapList(type.get(table, 'sgl'), type.get(table, 'orig_nents')));
    return 0;
  }
}
