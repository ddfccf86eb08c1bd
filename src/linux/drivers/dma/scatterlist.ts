import type { Ptr } from '../../../cpu/layout.js';
import { PAGE_SIZE } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import { VMEMMAP } from '../../memory-map.js';

/** sg->page_link: its low bits say whether the list goes on (include/linux/scatterlist.h). */
const SG_CHAIN = 1;
const SG_END = 2;
const LINK_BITS = 3n;

/** page_to_phys(): the physical address of the memory that a struct page is of. */
export function physicalOf(k: LinuxKernel, page: Ptr): number {
  return Math.floor((page - VMEMMAP.start) / k.sizeOf('page')) * PAGE_SIZE;
}

/** The first `count` entries of a scatterlist, through the chains of its parts; fewer where it ends before. */
export function* entriesOf(k: LinuxKernel, list: Ptr, count: number): Generator<Ptr> {
  let at = list;
  for (let i = 0; i < count && at !== 0; i++) {
    yield at;
    at = following(k, at);
  }
}

/** sg_next() */
function following(k: LinuxKernel, at: Ptr): Ptr {
  const type = k.struct('scatterlist');
  if (type.getBig(at, 'page_link') & BigInt(SG_END)) return 0;
  const next = at + type.size;
  const link = type.getBig(next, 'page_link');
  return link & BigInt(SG_CHAIN) ? k.space.fromAddress(link & ~LINK_BITS) : next;
}

/** sg_phys() */
export function physicalOfEntry(k: LinuxKernel, entry: Ptr): number {
  const type = k.struct('scatterlist');
  const page = k.space.fromAddress(type.getBig(entry, 'page_link') & ~LINK_BITS);
  return physicalOf(k, page) + type.get(entry, 'offset');
}

/** sg_dma_address(), sg_dma_len() */
export function mappedPart(k: LinuxKernel, entry: Ptr): { readonly address: number; readonly size: number } {
  const type = k.struct('scatterlist');
  const length = type.has('dma_length') ? 'dma_length' : 'length';
  return { address: type.get(entry, 'dma_address'), size: type.get(entry, length) };
}

export function setMappedPart(k: LinuxKernel, entry: Ptr, address: number): void {
  const type = k.struct('scatterlist');
  type.set(entry, 'dma_address', address);
  if (type.has('dma_length')) type.set(entry, 'dma_length', type.get(entry, 'length'));
}
