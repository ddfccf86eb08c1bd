interface Range {
  start: number;
  end: number;
}

/** Sizes and alignments that are remembered. */
const MAX_KINDS = 64;

/**
 * First-fit allocator of address ranges: hands out [start, start + size) of a fixed interval and takes them
 * back. Knows nothing of what is stored there. Free ranges are sorted and never touch each other.
 */
export class RangeAllocator {
  private readonly free: Range[];
  /** For each size and alignment that was asked for: no range that starts before it has room. */
  private readonly fullBefore = new Map<number, number>();

  constructor(
    readonly start: number,
    readonly end: number,
  ) {
    this.free = [{ start, end }];
  }

  /** `align` is a power of two, in the same units as `size`. Undefined when no range is large enough. */
  allocate(size: number, align = 1): number | undefined {
    const kind = size * 64 + Math.log2(align);
    const from = this.fullBefore.get(kind);
    for (let i = from === undefined ? 0 : this.position(from); i < this.free.length; i++) {
      const range = this.free[i];
      const at = Math.ceil(range.start / align) * align;
      if (at + size > range.end) continue;
      this.noteFull(kind, range.start);
      this.carve(i, at, at + size);
      return at;
    }
    this.noteFull(kind, this.end);
    return undefined;
  }

  private noteFull(kind: number, before: number): void {
    if (this.fullBefore.size >= MAX_KINDS && !this.fullBefore.has(kind)) this.fullBefore.clear();
    this.fullBefore.set(kind, before);
  }

  private noteFree(start: number): void {
    for (const [kind, before] of this.fullBefore) if (before > start) this.fullBefore.set(kind, start);
  }

  /** Hands out a range that the caller chose; false where some of it is not free. */
  claim(start: number, size: number): boolean {
    const after = this.position(start);
    const index = this.free[after]?.start === start ? after : after - 1;
    const range = this.free[index];
    if (range === undefined || range.end < start + size) return false;
    this.carve(index, start, start + size);
    return true;
  }

  /** Gives a range back. Throws if any of it is free already: that is a bug of the caller. */
  release(start: number, size: number): void {
    const end = start + size;
    const at = this.position(start);
    const before = this.free[at - 1];
    const after = this.free[at];
    if ((before && before.end > start) || (after && after.start < end))
      throw new RangeError(`range 0x${start.toString(16)}+0x${size.toString(16)} is free already`);
    const joinsBefore = before?.end === start;
    this.noteFree(joinsBefore ? before.start : start);
    const joinsAfter = after?.start === end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.free.splice(at, 1);
    } else if (joinsBefore) before.end = end;
    else if (joinsAfter) after.start = start;
    else this.free.splice(at, 0, { start, end });
  }

  /** Units that are free. */
  get available(): number {
    return this.free.reduce((sum, range) => sum + range.end - range.start, 0);
  }

  private carve(index: number, start: number, end: number): void {
    const range = this.free[index];
    const rest: Range[] = [];
    if (range.start < start) rest.push({ start: range.start, end: start });
    if (end < range.end) rest.push({ start: end, end: range.end });
    if (rest.length === 1) this.free[index] = rest[0];
    else this.free.splice(index, 1, ...rest);
  }

  /** Index of the first free range that starts at or after `start`. */
  private position(start: number): number {
    let low = 0;
    let high = this.free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.free[middle].start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
