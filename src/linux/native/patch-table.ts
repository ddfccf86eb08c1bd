import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';

/** Bytes that a patch may reach beyond where it begins. */
const LONGEST = 64;

/** A table of places that are patched, each entry with the distance from one of its fields to the place: found by page. */
export class PatchTable {
  private readonly count: number;
  private readonly byPage = new Map<Ptr, Ptr[]>();

  constructor(
    bytes: Uint8Array,
    private readonly address: Ptr,
    private readonly entrySize: number,
    siteOffset: number,
  ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.count = Math.floor(bytes.length / entrySize);
    for (let i = 0; i < this.count; i++) {
      const field = i * entrySize + siteOffset;
      const site = address + field + view.getInt32(field, true);
      const first = pageOf(site);
      const last = pageOf(site + LONGEST);
      this.note(first, address + i * entrySize);
      if (last !== first) this.note(last, address + i * entrySize);
    }
  }

  /** Entries that may patch a page. */
  on(page: Ptr): readonly Ptr[] {
    return this.byPage.get(page) ?? [];
  }

  *all(): Generator<Ptr> {
    for (let i = 0; i < this.count; i++) yield this.address + i * this.entrySize;
  }

  private note(page: Ptr, entry: Ptr): void {
    const entries = this.byPage.get(page);
    if (entries) entries.push(entry);
    else this.byPage.set(page, [entry]);
  }
}

const pageOf = (ptr: Ptr): Ptr => ptr & ~(PAGE_SIZE - 1);
