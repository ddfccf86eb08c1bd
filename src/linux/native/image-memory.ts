import { PAGE_KERNEL, PAGE_KERNEL_ROX } from '../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { type ImageSection, type KernelImage, sectionAt } from '../../target/image/kernel-image.js';
import { placeAt } from '../../target/image/references.js';
import { hasCpuFeature } from '../cpu-features.js';
import type { PlacedSection } from '../kallsyms/loaded-module.js';
import type { LinuxKernel } from '../kernel.js';
import { IMAGE } from '../memory-map.js';
import {
  alternativePatch,
  jumpEntryAt,
  jumpPatch,
  type Patch,
  type SectionHolder,
  setJump,
} from '../module/patch-sites.js';
import { PatchTable } from './patch-table.js';

/** Where an address of an image, of which it has the lower half, is in guest memory. */
export const ptrOf = (low: number): Ptr => low - 0x8000_0000;
export const lowOfPtr = (ptr: Ptr): number => ptr + 0x8000_0000;

/** Tables of an image that no section of its own holds, by the symbols round them. */
const TABLES: Readonly<Record<string, readonly [start: string, stop: string]>> = {
  __jump_table: ['__start___jump_table', '__stop___jump_table'],
};

/** Tables that are in writable memory, though nothing but traps of the image's own code is interested in them. */
const READ_BY_TRAPS = new Set(['__bug_table']);

/** The same for every machine of an image. */
const tables = new WeakMap<KernelImage, { readonly alternatives: PatchTable; readonly jumps: PatchTable }>();

/**
 * An image in the memory of a machine: pages that are filled when something first needs them. Code is patched for the processor
 * (alternatives) and for the branches that are on (jump labels) as it comes. A variable that something was written to before keeps
 * what it holds, and so does what TypeScript has as its own.
 */
export class ImageMemory implements SectionHolder {
  private readonly alternatives: PatchTable;
  private readonly jumps: PatchTable;

  constructor(
    private readonly k: LinuxKernel,
    private readonly image: KernelImage,
    /** Whether the variable at a place is not the image's. */
    private readonly isClaimed: (place: number) => boolean,
  ) {
    for (const section of image.sections) this.defer(section);
    this.supplyPerCpu();
    const made = tables.get(image) ?? {
      alternatives: this.table('.altinstructions', 'alt_instr', 'instr_offset'),
      jumps: this.table('__jump_table', 'jump_entry', 'code'),
    };
    tables.set(image, made);
    this.alternatives = made.alternatives;
    this.jumps = made.jumps;
  }

  /** A section of the image, or a table that is part of one. */
  section(name: string): PlacedSection | undefined {
    const place = (address: Ptr, size: number): PlacedSection => ({
      name,
      index: 0,
      address,
      size,
      init: false,
    });
    const section = this.image.sections.find((other) => other.name === name);
    if (section) return place(ptrOf(section.address), section.size);
    const { k } = this;
    const ends = TABLES[name];
    if (!ends?.every((end) => k.target.symbols.lookup(end))) return undefined;
    const [start, stop] = ends.map((end) => k.space.fromAddress(k.target.symbols.lookup(end)!.address));
    return place(start, stop - start);
  }

  /** A key of branches was turned on or off: code that is there already follows; what comes later will. */
  keyChanged(key: Ptr): void {
    for (const at of this.jumps.all()) {
      const entry = jumpEntryAt(this.k, at);
      if (entry.key === key && !this.k.space.isDeferred(entry.code)) setJump(this.k, entry);
    }
  }

  private table(name: string, struct: string, site: string): PatchTable {
    const section = this.section(name);
    if (!section || section.size === 0) return new PatchTable(new Uint8Array(0), 0, 1, 0);
    const type = this.k.struct(struct);
    const bytes = this.image.read(lowOfPtr(section.address), section.size);
    return new PatchTable(bytes, section.address, type.size, type.offsetOf(site));
  }

  private defer({ address, size, execute, zero, name }: ImageSection): void {
    const { space } = this.k;
    const start = ptrOf(address);
    if (zero || start < IMAGE.start) return;
    const from = start & ~(PAGE_SIZE - 1);
    const to = (start + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    const runs = execute && name !== '.altinstr_replacement';
    space.defer(from, to - from, runs ? PAGE_KERNEL_ROX : PAGE_KERNEL, (page) => this.supply(page));
  }

  private supply(page: Ptr): void {
    const { space } = this.k;
    space.supply(page);
    for (const section of this.image.sections) {
      const start = ptrOf(section.address);
      if (section.zero || start >= page + PAGE_SIZE || start + section.size <= page) continue;
      const from = Math.max(start, page);
      const to = Math.min(start + section.size, page + PAGE_SIZE);
      const bytes = this.image.read(lowOfPtr(from), to - from);
      if (section.execute || READ_BY_TRAPS.has(section.name)) space.bytes.set(bytes, from);
      else this.fill(from, lowOfPtr(from), bytes);
    }
    this.patch(page);
  }

  /** Static per-CPU variables begin as the image has them. */
  private supplyPerCpu(): void {
    const section = sectionAt(this.image.sections, 0);
    if (section)
      this.fill(this.k.percpu.base, section.address, this.image.read(section.address, section.size));
  }

  /** Gives the variables within a range their initial values: those of which nobody has changed a byte. */
  private fill(at: Ptr, low: number, bytes: Uint8Array): void {
    const { places } = this.image.references;
    const memory = this.k.space.bytes;
    const end = low + bytes.length;
    for (
      let place = Math.max(placeAt(places, low), 0);
      place < places.length && places[place] < end;
      place++
    ) {
      const from = Math.max(places[place], low) - low;
      const to = Math.min(places[place + 1] ?? end, end) - low;
      if (to <= from || this.isClaimed(place)) continue;
      if (memory.subarray(at + from, at + to).some((byte) => byte !== 0)) continue;
      memory.set(bytes.subarray(from, to), at + from);
    }
  }

  /** Code of a page that has come becomes what this processor and the state of the kernel ask for. */
  private patch(page: Ptr): void {
    const { k } = this;
    // A patch may begin on a page that has not come yet, or that is patched.
    const original = (site: Ptr, length: number): Uint8Array => this.image.read(lowOfPtr(site), length);
    for (const at of this.alternatives.on(page))
      this.write(
        page,
        alternativePatch(k, at, (feature) => hasCpuFeature(k, feature), original),
      );
    // A branch begins as its key does: only keys that were changed since, or that TypeScript has as its own, matter.
    for (const at of this.jumps.on(page)) {
      const entry = jumpEntryAt(k, at);
      const count = k.space.view.getInt32(entry.key, true);
      if (count === 0 && k.space.isDeferred(entry.key)) continue;
      this.write(page, jumpPatch(k, entry, count > 0));
    }
  }

  /** The part of a patch that is on one page: the other page is patched when it comes. */
  private write(page: Ptr, patch: Patch | undefined): void {
    if (!patch) return;
    const from = Math.max(patch.site, page);
    const to = Math.min(patch.site + patch.bytes.length, page + PAGE_SIZE);
    if (from < to) this.k.space.bytes.set(patch.bytes.subarray(from - patch.site, to - patch.site), from);
  }
}
