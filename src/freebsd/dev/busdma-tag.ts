import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';

/** The table of functions that inlined calls go through. */
export const BOUNCE_IMPL = 'bus_dma_bounce_impl';

/** struct bus_dma_tag_common (x86/busdma_impl.h): inlined code looks at `impl` alone. */
const OFFSET = {
  impl: 0,
  parent: 8,
  alignment: 16,
  boundary: 24,
  lowaddr: 32,
  highaddr: 40,
  filter: 48,
  filterarg: 56,
  maxsize: 64,
  nsegments: 72,
  maxsegsz: 80,
  flags: 88,
  lockfunc: 96,
  lockfuncarg: 104,
  refCount: 112,
  domain: 116,
} as const;
/** With room for what the implementation keeps behind it (struct bus_dma_tag). */
export const TAG_BYTES = 160;

/** What a tag is made with: bus_dma_tag_create(9). */
export interface TagLimits {
  readonly alignment: bigint;
  /** Segments do not cross multiples of it; 0 for none. */
  readonly boundary: bigint;
  /** Addresses between the two cannot be reached. */
  readonly lowaddr: bigint;
  readonly highaddr: bigint;
  readonly filter: Ptr;
  readonly filterarg: Ptr;
  readonly maxsize: bigint;
  readonly nsegments: number;
  readonly maxsegsz: bigint;
  readonly flags: number;
  readonly lockfunc: Ptr;
  readonly lockfuncarg: Ptr;
}

const PAGE = BigInt(PAGE_SIZE);
const wholePages = (address: bigint): bigint => ((address + PAGE) & ~(PAGE - 1n)) - 1n;
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** A DMA tag in guest memory. */
export class DmaTag {
  constructor(
    private readonly k: FreebsdKernel,
    readonly at: Ptr,
  ) {}

  /** common_bus_dma_tag_create(): what the tag that it is derived from forbids it forbids too. */
  fill(parentAt: Ptr, limits: TagLimits): void {
    const { k, at } = this;
    const parent = parentAt === 0 ? undefined : new DmaTag(k, parentAt);
    const { boundary } = limits;
    const narrow = boundary !== 0n && boundary < limits.maxsegsz ? boundary : limits.maxsegsz;
    const set = (offset: number, value: bigint): void =>
      k.space.store64(at + offset, BigInt.asUintN(64, value));
    k.space.storePtr(at + OFFSET.impl, k.variable(BOUNCE_IMPL, 8 * 16));
    k.space.storePtr(at + OFFSET.parent, parentAt);
    set(OFFSET.alignment, limits.alignment);
    set(OFFSET.boundary, parent ? merged(boundary, parent.boundary) : boundary);
    const low = wholePages(limits.lowaddr);
    const high = wholePages(limits.highaddr);
    set(OFFSET.lowaddr, parent ? least(low, parent.lowaddr) : low);
    set(OFFSET.highaddr, parent ? most(high, parent.highaddr) : high);
    k.space.storePtr(at + OFFSET.filter, limits.filter);
    k.space.storePtr(at + OFFSET.filterarg, limits.filterarg);
    set(OFFSET.maxsize, limits.maxsize);
    k.space.store32(at + OFFSET.nsegments, limits.nsegments);
    set(OFFSET.maxsegsz, narrow);
    k.space.store32(at + OFFSET.flags, limits.flags);
    k.space.storePtr(at + OFFSET.lockfunc, limits.lockfunc);
    k.space.storePtr(at + OFFSET.lockfuncarg, limits.lockfuncarg);
    k.space.store32(at + OFFSET.refCount, 1);
    parent?.retain();
  }

  private big(offset: number): bigint {
    return this.k.space.load64(this.at + offset);
  }

  get parent(): Ptr {
    return this.k.space.loadPtr(this.at + OFFSET.parent);
  }

  get alignment(): bigint {
    return this.big(OFFSET.alignment);
  }

  get boundary(): bigint {
    return this.big(OFFSET.boundary);
  }

  get lowaddr(): bigint {
    return this.big(OFFSET.lowaddr);
  }

  get highaddr(): bigint {
    return this.big(OFFSET.highaddr);
  }

  get maxsize(): bigint {
    return this.big(OFFSET.maxsize);
  }

  get maxsegsz(): bigint {
    return this.big(OFFSET.maxsegsz);
  }

  get nsegments(): number {
    return this.k.space.load32(this.at + OFFSET.nsegments);
  }

  set domain(domain: number) {
    this.k.space.store32(this.at + OFFSET.domain, domain);
  }

  private retain(): void {
    const at = this.at + OFFSET.refCount;
    this.k.space.store32(at, this.k.space.load32(at) + 1);
  }

  /** How many are left. */
  release(): number {
    const at = this.at + OFFSET.refCount;
    const left = this.k.space.load32(at) - 1;
    this.k.space.store32(at, left);
    return left;
  }
}

function merged(own: bigint, above: bigint): bigint {
  if (own === 0n) return above;
  return above === 0n ? own : least(own, above);
}
