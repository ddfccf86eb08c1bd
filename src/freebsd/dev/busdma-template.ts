import type { Ptr } from '../../cpu/layout.js';
import { EINVAL } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { BusDma } from './busdma.js';
import { DmaTag } from './busdma-tag.js';

/** What is not restricted: BUS_SPACE_MAXADDR, BUS_SPACE_MAXSIZE and BUS_SPACE_UNRESTRICTED (x86/include/bus.h). */
const UNLIMITED = 0xffff_ffff_ffff_ffffn;
const UNRESTRICTED = -1;
/** bus_dma_template_t and bus_dma_param_t (sys/bus_dma.h): where the members are, in the order of BD_PARAM_PARENT up to _LOCKFUNCARG. */
const MEMBERS: readonly (readonly [offset: number, bytes: 4 | 8])[] = [
  [0, 8],
  [8, 8],
  [16, 8],
  [24, 8],
  [32, 8],
  [40, 8],
  [48, 4],
  [56, 8],
  [64, 4],
  [72, 8],
  [80, 8],
  [88, 8],
];
const [
  PARENT,
  ALIGNMENT,
  BOUNDARY,
  LOWADDR,
  HIGHADDR,
  MAXSIZE,
  NSEGMENTS,
  MAXSEGSIZE,
  FLAGS,
  LOCKFUNC,
  LOCKFUNCARG,
] = MEMBERS.map(([offset]) => offset);
const TEMPLATE_BYTES = 96;
const PARAM_BYTES = 16;

/** Templates for DMA tags: bus_dma_template_init(9) and its kin (sys/kern/subr_bus_dma.c). */
export class DmaTemplates implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    bus_dma_template_init: (at: Ptr, parent: Ptr) => this.init(at, parent),
    bus_dma_template_fill: (at: Ptr, params: Ptr, count: number) => this.fill(at, params, count),
    bus_dma_template_clone: (at: Ptr, tag: Ptr) => this.clone(at, tag),
    bus_dma_template_tag: (at: Ptr, place: Ptr) => this.make(at, place),
  };

  readonly signatures = {
    bus_dma_template_init: 'v:pp',
    bus_dma_template_fill: 'v:ppu',
    bus_dma_template_clone: 'v:pp',
    bus_dma_template_tag: 'i:pp',
  };

  private init(at: Ptr, parent: Ptr): void {
    const { space } = this.k;
    space.writable(at, TEMPLATE_BYTES).fill(0);
    space.storePtr(at + PARENT, parent);
    space.store64(at + ALIGNMENT, 1n);
    for (const offset of [LOWADDR, HIGHADDR, MAXSIZE, MAXSEGSIZE]) space.store64(at + offset, UNLIMITED);
    space.store32(at + NSEGMENTS, UNRESTRICTED);
  }

  /** BUS_DMA_TEMPLATE_FILL(): pairs of a key, counted from 1, and a value. */
  private fill(at: Ptr, params: Ptr, count: number): void {
    const { space } = this.k;
    for (let i = 0; i < count; i++) {
      const param = params + i * PARAM_BYTES;
      const member = MEMBERS[space.load32(param) - 1];
      if (!member) continue;
      const value = space.load64(param + 8);
      if (member[1] === 8) space.store64(at + member[0], value);
      else space.store32(at + member[0], Number(value & 0xffff_ffffn));
    }
  }

  private clone(at: Ptr, tagAt: Ptr): void {
    const { space } = this.k;
    const tag = new DmaTag(this.k, tagAt);
    this.init(at, tag.parent);
    const numbers: readonly (readonly [number, bigint])[] = [
      [ALIGNMENT, tag.alignment],
      [BOUNDARY, tag.boundary],
      [LOWADDR, tag.lowaddr],
      [HIGHADDR, tag.highaddr],
      [MAXSIZE, tag.maxsize],
      [MAXSEGSIZE, tag.maxsegsz],
    ];
    for (const [offset, value] of numbers) space.store64(at + offset, value);
    space.store32(at + NSEGMENTS, tag.nsegments);
  }

  private make(at: Ptr, place: Ptr): number {
    const { space } = this.k;
    if (at === 0 || place === 0) return EINVAL;
    const big = (offset: number): bigint => space.load64(at + offset);
    return this.k
      .get(BusDma)
      .exports.bus_dma_tag_create(
        space.loadPtr(at + PARENT),
        big(ALIGNMENT),
        big(BOUNDARY),
        big(LOWADDR),
        big(HIGHADDR),
        0,
        0,
        big(MAXSIZE),
        space.loadInt32(at + NSEGMENTS),
        big(MAXSEGSIZE),
        space.loadInt32(at + FLAGS),
        space.loadPtr(at + LOCKFUNC),
        space.loadPtr(at + LOCKFUNCARG),
        place,
      );
  }
}
