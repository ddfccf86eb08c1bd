import type { AddressSpace } from '../address-space.js';
import { type Instrumentation, PLAIN } from '../instrumentation.js';
import { PAGE_SHIFT } from '../layout.js';
import { SERVICES, type Service } from '../translate/services.js';
import type { CheckMode } from '../translate/translator.js';
import type { CachedTranslation, CodeCache, Translation } from './code-cache.js';
import { codePlace } from './code-place.js';
import type { CodeKnowledge } from './code-source.js';
import { compileUnit, isCurrent } from './compile.js';
import type { Glue } from './linkage.js';
import type { Slots } from './slots.js';

/** A translated function in use by one Cpu. */
export interface Unit {
  readonly number: number;
  readonly ptr: number;
  readonly mode: CheckMode;
  readonly translation: Translation;
}

/** Slots that a table begins with, at least. */
const FIRST_SLOTS = 512;
/** Units that are installed in one table, also those that were dropped since. */
const MAX_INSTANCES = 1500;

/** The translations that one Cpu uses: finds, makes, installs and drops them. */
export class UnitTable {
  /** Grows whenever translations are dropped. */
  version = 0;
  private readonly current = new Map<number, Unit>();
  /** All units whose code may still be active, by number. */
  private readonly numbered = new Map<number, Unit>();
  private readonly byPage = new Map<number, Set<Unit>>();
  private readonly byReference = new Map<number, Set<Unit>>();
  private readonly stale: Unit[] = [];
  /** Entries whose accesses failed a quick check but were right. */
  private readonly modes = new Map<number, CheckMode>();
  /** What codePlace says of pages, until code changes. */
  private readonly places = new Map<number, string>();
  private nextNumber = 1;
  private readonly memoryPages: number;
  private table!: WebAssembly.Table;
  private glue!: Glue;
  private instances = 0;
  private instrumentation = PLAIN;

  constructor(
    private readonly space: AddressSpace,
    private readonly knowledge: CodeKnowledge,
    private readonly cache: CodeCache,
    private readonly slots: Slots,
    table: WebAssembly.Table,
    glue: Glue,
  ) {
    this.memoryPages = space.memory.buffer.byteLength / 65536;
    this.fill(table, glue);
  }

  private fill(table: WebAssembly.Table, glue: Glue): void {
    this.table = table;
    this.glue = glue;
    this.instances = 0;
    table.grow(Math.max(FIRST_SLOTS, this.slots.count + FIRST_SLOTS / 2), glue.stub);
    for (const service of Object.keys(SERVICES) as Service[])
      table.set(SERVICES[service].slot, glue[service]);
  }

  /** From now on translations tell of this; frames of others go on until they return. */
  instrument(instrumentation: Instrumentation): void {
    this.instrumentation = instrumentation;
    for (const unit of [...this.current.values()]) this.drop(unit);
    this.version++;
  }

  /** Whether so many units were installed that the engine, which keeps each as long as the table, should be rid of them. */
  get worn(): boolean {
    return this.instances > MAX_INSTANCES;
  }

  /** Goes on with an empty table; no translated code may be active. Units come back, from the cache, as they are called. */
  renew(table: WebAssembly.Table, glue: Glue): void {
    this.current.clear();
    this.numbered.clear();
    this.byPage.clear();
    this.byReference.clear();
    this.stale.length = 0;
    this.fill(table, glue);
    this.version++;
  }

  byNumber(number: number): Unit {
    return this.numbered.get(number)!;
  }

  /** Makes sure that the table has room for a slot. */
  reserve(slot: number): void {
    const { table } = this;
    if (slot < table.length) return;
    table.grow(Math.max(table.length, slot + 1 - table.length), this.glue.stub);
  }

  /** Fills the slot of an executable or host address, unless it is filled; returns the address. */
  prepare(ptr: number): number {
    if (this.current.has(ptr)) return ptr;
    const slot = this.slots.of(ptr);
    this.reserve(slot);
    if (this.knowledge.hosts.has(ptr)) this.table.set(slot, this.glue.hostThunk);
    else this.install(this.obtain(ptr));
    return ptr;
  }

  private obtain(ptr: number): CachedTranslation {
    const { cache, knowledge, space } = this;
    const mode = this.modes.get(ptr) ?? 'quick';
    const isQuick = (copy: number): boolean => !this.modes.has(copy);
    const variant = { mode, instrumentation: this.instrumentation };
    const place = (): string => this.placeOf(ptr);
    const known = cache.find(
      ptr,
      variant,
      place,
      (translation) => translation.copies.every(isQuick) && isCurrent(translation, knowledge, space.bytes),
    );
    if (known) {
      for (const called of known.translation.called) knowledge.functions.add(called);
      return known;
    }
    const translation = compileUnit(knowledge, space.bytes, this.memoryPages, ptr, variant, isQuick);
    const made = { translation };
    cache.add(made, place);
    return made;
  }

  private placeOf(ptr: number): string {
    const page = ptr >>> PAGE_SHIFT;
    const known = this.places.get(page);
    if (known !== undefined) return known;
    const place = codePlace(this.space, ptr);
    this.places.set(page, place);
    return place;
  }

  private install(cached: CachedTranslation): void {
    const { translation } = cached;
    const { ptr, mode } = translation;
    const number = this.nextNumber++;
    const unit: Unit = { number, ptr, mode, translation };
    for (const slot of translation.slots) this.reserve(this.slots.of(slot.ptr));
    new WebAssembly.Instance(this.cache.moduleFor(cached, this.slots), {
      m: { m: this.space.memory, t: this.table },
      h: { unit: number },
    });
    this.instances++;
    this.current.set(ptr, unit);
    this.numbered.set(number, unit);
    this.index(unit, (map, key) => {
      const set = map.get(key);
      if (set) set.add(unit);
      else map.set(key, new Set([unit]));
    });
  }

  private index(unit: Unit, visit: (map: Map<number, Set<Unit>>, key: number) => void): void {
    const { ranges, asked } = unit.translation;
    for (let i = 0; i < ranges.length; i += 2)
      for (let page = ranges[i] >>> PAGE_SHIFT; page <= (ranges[i + 1] - 1) >>> PAGE_SHIFT; page++)
        visit(this.byPage, page);
    for (const [ptr] of asked) visit(this.byReference, ptr);
    visit(this.byReference, unit.ptr);
  }

  /** Drops one translation; frames of it that are active go on until they return. */
  drop(unit: Unit): void {
    if (this.current.get(unit.ptr) !== unit) return;
    this.current.delete(unit.ptr);
    this.table.set(this.slots.of(unit.ptr), this.glue.stub);
    this.index(unit, (map, key) => {
      map.get(key)?.delete(unit);
    });
    this.stale.push(unit);
  }

  /** Drops what was translated from a range of memory. */
  invalidate(start: number, bytes: number): void {
    this.places.clear();
    const first = start >>> PAGE_SHIFT;
    const last = (start + Math.max(bytes, 1) - 1) >>> PAGE_SHIFT;
    let dropped = false;
    for (let page = first; page <= last; page++)
      for (const unit of [...(this.byPage.get(page) ?? [])])
        if (overlaps(unit.translation.ranges, start, start + bytes)) {
          this.drop(unit);
          dropped = true;
        }
    for (const ptr of this.knowledge.functions)
      if (ptr >= start && ptr < start + bytes) this.knowledge.functions.delete(ptr);
    for (const ptr of this.modes.keys()) if (ptr >= start && ptr < start + bytes) this.modes.delete(ptr);
    if (dropped) this.version++;
  }

  /** An address was bound, unbound, or made a thunk: whatever refers to it is translated again. */
  environmentChanged(ptr: number): void {
    const slot = this.slots.of(ptr);
    if (slot < this.table.length) this.table.set(slot, this.glue.stub);
    const units = this.byReference.get(ptr);
    if (!units || units.size === 0) return;
    for (const unit of [...units]) this.drop(unit);
    this.version++;
  }

  /** From now on the function at `entry`, in this unit, checks more thoroughly, and so does what resumes in it. */
  checkHarder(unit: Unit, entry: number, resumeAt: number, mode: CheckMode): void {
    this.drop(unit);
    for (const ptr of [entry, resumeAt]) {
      const known = this.modes.get(ptr);
      if (known !== 'device' && (known !== 'full' || mode === 'device')) this.modes.set(ptr, mode);
      const resumed = this.current.get(ptr);
      if (resumed) this.drop(resumed);
    }
  }

  /** Called when no translated code is active. */
  forgetStale(): void {
    for (const unit of this.stale) this.numbered.delete(unit.number);
    this.stale.length = 0;
  }
}

function overlaps(ranges: readonly number[], start: number, end: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (ranges[i] < end && start < ranges[i + 1]) return true;
  return false;
}
