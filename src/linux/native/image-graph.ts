import { type KernelImage, sectionAt } from '../../target/image/kernel-image.js';
import { placeAt, type ReferenceTable } from '../../target/image/references.js';
import type { LinuxTarget } from '../../target/index.js';
import { KERNEL_HALF } from '../../target/symbol-table.js';
import { lowOf, PLACE, placeKinds } from './places.js';
import { isSwitchTable, throughSwitchTables } from './switch-tables.js';

const LOCK_CLASS = /(^_|[^_])_key(\.\d+)?$/;

/** What refers to what in an image, both ways, and what its places are called. A place is a number: see ReferenceTable. */
export class ImageGraph {
  readonly kinds: Uint8Array;
  readonly flags: Uint8Array;
  private references: ReferenceTable;
  private readonly sections: KernelImage['sections'];
  private readonly visited: Uint32Array;
  private visit = 0;
  private readonly names = new Map<number, string>();
  private percpuNames: ReadonlyMap<number, string> | undefined;
  private lockClasses: ReadonlySet<number> | undefined;
  private reversed: Pick<ReferenceTable, 'first' | 'targets'> | undefined;

  constructor(
    image: KernelImage,
    private readonly target: LinuxTarget,
  ) {
    this.references = image.references;
    this.sections = image.sections;
    this.flags = image.references.flags;
    this.kinds = placeKinds(image, target);
    this.visited = new Uint32Array(this.kinds.length);
    this.references = throughSwitchTables(image.references, image, this, this.switchTables());
  }

  /** The place that an address (its lower half) is in; -1 below all. */
  placeAt(low: number): number {
    return placeAt(this.references.places, low);
  }

  /** The place of a function that begins at an address; -1 where none does. */
  entryAt(low: number): number {
    const place = this.placeAt(low);
    return place >= 0 && this.addressOf(place) === low && this.isCode(place) ? place : -1;
  }

  /** The lower half of a place's address. */
  addressOf(place: number): number {
    return this.references.places[place];
  }

  /** Where a place ends, as far as the next one begins there: the lower half of the address. */
  endOf(place: number): number {
    const { places } = this.references;
    const address = places[place];
    const section = sectionAt(this.sections, address);
    const end = section ? section.address + section.size : address;
    return Math.min(places[place + 1] ?? end, end);
  }

  isCode(place: number): boolean {
    const kind = this.kinds[place];
    return kind === PLACE.text || kind === PLACE.initText || kind === PLACE.exitText;
  }

  isVariable(place: number): boolean {
    const kind = this.kinds[place];
    return kind === PLACE.variable || kind === PLACE.setByInit || kind === PLACE.perCpu;
  }

  /** Places that a place's code refers to. */
  targetsOf(place: number): Uint32Array {
    const { first, targets } = this.references;
    return targets.subarray(first[place], first[place + 1]);
  }

  /** Places whose code refers to a place. */
  referrersOf(place: number): Uint32Array {
    this.reversed ??= reverse(this.references);
    const { first, targets } = this.reversed;
    return targets.subarray(first[place], first[place + 1]);
  }

  /** Whether a place is where a struct lock_class_key is said to be too: without lockdep that has no bytes, and what comes next has its address. */
  isLockClass(place: number): boolean {
    this.lockClasses ??= this.findLockClasses();
    return this.lockClasses.has(this.addressOf(place));
  }

  private *switchTables(): Generator<number> {
    for (const { name, address } of this.target.symbols.all())
      if (isSwitchTable(name)) yield this.placeAt(lowOf(address));
  }

  private findLockClasses(): Set<number> {
    const found = new Set<number>();
    for (const { name, address } of this.target.symbols.all())
      if (LOCK_CLASS.test(name) && this.nameOf(this.placeAt(lowOf(address))) !== name)
        found.add(lowOf(address));
    return found;
  }

  /** Functions that are reached from one without going through those that `isLeaf` names; at most `limit`. */
  reach(root: number, isLeaf: (place: number) => boolean, limit: number): readonly number[] {
    const { visited } = this;
    const visit = ++this.visit;
    const stack = [root];
    const reached: number[] = [];
    while (stack.length > 0 && reached.length < limit) {
      const place = stack.pop()!;
      if (visited[place] === visit) continue;
      visited[place] = visit;
      if (place !== root && isLeaf(place)) continue;
      reached.push(place);
      for (const target of this.targetsOf(place)) if (this.isCode(target)) stack.push(target);
    }
    return reached;
  }

  /** The symbol at a place: of several the first. */
  nameOf(place: number): string {
    let name = this.names.get(place);
    if (name === undefined) {
      name = this.findName(place);
      this.names.set(place, name);
    }
    return name;
  }

  private findName(place: number): string {
    const low = this.addressOf(place);
    if (this.kinds[place] === PLACE.perCpu) {
      this.percpuNames ??= this.namePerCpu();
      return this.percpuNames.get(low) ?? `per-CPU offset 0x${low.toString(16)}`;
    }
    return this.target.symbols.nearest(KERNEL_HALF | BigInt(low))?.name ?? `0x${low.toString(16)}`;
  }

  /** Symbols stand in order of address, those of per-CPU variables first. */
  private namePerCpu(): Map<number, string> {
    const names = new Map<number, string>();
    for (const { name, address } of this.target.symbols.all()) {
      if (address >= KERNEL_HALF) break;
      // Of several the last: marks of where a section begins come before its first variable.
      names.set(Number(address), name);
    }
    return names;
  }
}

/** The same references from the other end: a counting sort by target. */
function reverse({ places, first, targets }: ReferenceTable): Pick<ReferenceTable, 'first' | 'targets'> {
  const starts = new Uint32Array(places.length + 1);
  for (const target of targets) starts[target + 1]++;
  for (let place = 0; place < places.length; place++) starts[place + 1] += starts[place];
  const next = starts.slice();
  const referrers = new Uint32Array(targets.length);
  for (let place = 0; place < places.length; place++)
    for (let at = first[place]; at < first[place + 1]; at++) referrers[next[targets[at]]++] = place;
  return { first: starts, targets: referrers };
}
