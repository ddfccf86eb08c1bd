/** A kind of locks that witness(4) keeps an order of: all with one name and class are one. */
export interface WitnessedLock {
  readonly name: string;
  readonly lockClass: string;
}

/** Which kinds of locks were taken while which others were held: the graph of witness(4) (sys/kern/subr_witness.c). */
export class LockOrder {
  /** What was taken with each held, and how that came about the first time. */
  private readonly children = new Map<string, Map<string, readonly string[]>>();
  private readonly told = new Set<string>();

  /** Notes that `after` was taken with `before` held; `trace` is asked only for what is new. */
  add(before: WitnessedLock, after: WitnessedLock, trace: () => readonly string[]): void {
    const known = this.children.get(keyOf(before)) ?? new Map<string, readonly string[]>();
    if (!known.has(keyOf(after))) known.set(keyOf(after), trace());
    this.children.set(keyOf(before), known);
  }

  /** isitmychild(): taken directly with the other held. */
  isChild(before: WitnessedLock, after: WitnessedLock): boolean {
    return this.children.get(keyOf(before))?.has(keyOf(after)) ?? false;
  }

  /** isitmydescendant(): taken with the other held, or with one that was. */
  isDescendant(before: WitnessedLock, after: WitnessedLock): boolean {
    const wanted = keyOf(after);
    const seen = new Set([keyOf(before)]);
    for (const key of seen)
      for (const child of this.children.get(key)?.keys() ?? []) {
        if (child === wanted) return true;
        seen.add(child);
      }
    return false;
  }

  /** Where the order of two was seen first; undefined where one follows from others. */
  established(before: WitnessedLock, after: WitnessedLock): readonly string[] | undefined {
    return this.children.get(keyOf(before))?.get(keyOf(after));
  }

  /** Whether a reversal of two is news: each is told of once. */
  isNews(one: WitnessedLock, other: WitnessedLock): boolean {
    const key = [keyOf(one), keyOf(other)].sort().join('\n');
    if (this.told.has(key)) return false;
    this.told.add(key);
    return true;
  }
}

function keyOf({ name, lockClass }: WitnessedLock): string {
  return `${lockClass}\0${name}`;
}
