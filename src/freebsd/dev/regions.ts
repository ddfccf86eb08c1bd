import type { Ptr } from '../../cpu/layout.js';

/** RF_* (sys/rman.h), as far as regions are told apart by them. */
export const RF_ALLOCATED = 0x1;
export const RF_ACTIVE = 0x2;
export const RF_SHAREABLE = 0x4;
export const RF_PREFETCHABLE = 0x40;
export const RF_UNMAPPED = 0x100;
const ALIGNMENT_SHIFT = 10;
const ALIGNMENT_MASK = 0x3f;
const SHARE_KIND = RF_SHAREABLE | RF_PREFETCHABLE;
/** RM_MAX_END: what a caller gives who does not mind where. */
export const RM_MAX_END = 0xffff_ffff_ffff_ffffn;

/** A range of a resource manager: free, or somebody's. */
export interface Region {
  start: bigint;
  end: bigint;
  flags: number;
  /** Who shares it: each has a struct resource of its own. Empty for a free one. */
  readonly owners: Owner[];
}

/** struct resource_i of sys/kern/subr_rman.c, of which modules see the struct resource alone. */
export interface Owner {
  /** struct resource *. */
  readonly at: Ptr;
  device: Ptr;
  flags: number;
  rid: number;
  virtual: Ptr;
  irqCookie: Ptr;
  region: Region;
}

export interface Request {
  readonly start: bigint;
  readonly end: bigint;
  readonly count: bigint;
  /** What must not be crossed, a power of two; 0 for nothing. */
  readonly bound: bigint;
  readonly flags: number;
}

/** The ranges of one resource manager, ascending. */
export class Regions {
  readonly list: Region[] = [];

  constructor(
    readonly start: bigint,
    readonly end: bigint,
  ) {}

  /** Adds free ones: false where some are there already. */
  manage(start: bigint, end: bigint): boolean {
    if (this.list.some((one) => start <= one.end && end >= one.start)) return false;
    this.insert({ start, end, flags: 0, owners: [] });
    return true;
  }

  private insert(region: Region): void {
    const at = this.list.findIndex((other) => other.start > region.start);
    this.list.splice(at < 0 ? this.list.length : at, 0, region);
    this.merge(region);
  }

  /** Free neighbours become one. */
  private merge(region: Region): void {
    const at = this.list.indexOf(region);
    const [before, after] = [this.list[at - 1], this.list[at + 1]];
    if (after && isFree(after) && region.end + 1n === after.start) {
      region.end = after.end;
      this.list.splice(at + 1, 1);
    }
    if (before && isFree(before) && before.end + 1n === region.start) {
      before.end = region.end;
      this.list.splice(at, 1);
    }
  }

  /** Where a request is put: the first free place that suits, or one that can be shared. */
  reserve(request: Request): Region | undefined {
    const { count, end } = request;
    if (count === 0n) return undefined;
    for (const region of this.list) {
      if (region.start > end - (count - 1n)) break;
      if (!isFree(region)) continue;
      const at = placeIn(region, request);
      if (at !== undefined) return this.split(region, at, at + count - 1n);
    }
    return (request.flags & RF_SHAREABLE) === 0 ? undefined : this.shared(request);
  }

  private shared({ start, end, count, flags }: Request): Region | undefined {
    return this.list.find(
      (one) =>
        !isFree(one) &&
        (one.flags & SHARE_KIND) === (flags & SHARE_KIND) &&
        one.start >= start &&
        one.end <= end &&
        one.end - one.start + 1n === count,
    );
  }

  private split(region: Region, start: bigint, end: bigint): Region {
    const parts: Region[] = [];
    if (region.start < start) parts.push({ start: region.start, end: start - 1n, flags: 0, owners: [] });
    const taken: Region = { start, end, flags: 0, owners: [] };
    parts.push(taken);
    if (region.end > end) parts.push({ start: end + 1n, end: region.end, flags: 0, owners: [] });
    this.list.splice(this.list.indexOf(region), 1, ...parts);
    return taken;
  }

  /** An owner less: with the last one the range is free. */
  release(owner: Owner): void {
    const { region } = owner;
    region.owners.splice(region.owners.indexOf(owner), 1);
    if (region.owners.length > 0) return;
    region.flags = 0;
    this.merge(region);
  }

  /** Moves the ends of a range, as far as what is beside it is free. */
  adjust(region: Region, start: bigint, end: bigint): 'done' | 'busy' | 'invalid' {
    if ((region.flags & RF_SHAREABLE) !== 0 || end < region.start || region.end < start) return 'invalid';
    const at = this.list.indexOf(region);
    const [before, after] = [this.list[at - 1], this.list[at + 1]];
    if (start < region.start && !(before && isFree(before) && before.start <= start)) return 'busy';
    if (end > region.end && !(after && isFree(after) && after.end >= end)) return 'busy';
    this.moveStart(region, before, start);
    this.moveEnd(region, after, end);
    return 'done';
  }

  private moveStart(region: Region, before: Region | undefined, start: bigint): void {
    const old = region.start;
    region.start = start;
    if (start > old) this.insert({ start: old, end: start - 1n, flags: 0, owners: [] });
    else if (start < old && before) this.cut(before, before.start, start - 1n);
  }

  private moveEnd(region: Region, after: Region | undefined, end: bigint): void {
    const old = region.end;
    region.end = end;
    if (end < old) this.insert({ start: end + 1n, end: old, flags: 0, owners: [] });
    else if (end > old && after) this.cut(after, end + 1n, after.end);
  }

  private cut(region: Region, start: bigint, end: bigint): void {
    region.start = start;
    region.end = end;
    if (start > end) this.list.splice(this.list.indexOf(region), 1);
  }

  get free(): readonly Region[] {
    return this.list.filter(isFree);
  }
}

export const isFree = ({ owners }: Region): boolean => owners.length === 0;

/** The lowest place for a request in a free range. */
function placeIn(region: Region, { start, end, count, bound, flags }: Request): bigint | undefined {
  const align = 1n << BigInt((flags >> ALIGNMENT_SHIFT) & ALIGNMENT_MASK);
  let at = region.start > start ? region.start : start;
  for (;;) {
    at = ((at + align - 1n) / align) * align;
    const last = at + count - 1n;
    if (last > region.end || last > end) return undefined;
    if (bound === 0n || at / bound === last / bound) return at;
    at = (at / bound + 1n) * bound;
  }
}
