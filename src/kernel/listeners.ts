/** Whoever wants to hear of something, in the order in which they came. */
export class Listeners<L> implements Iterable<L> {
  private readonly entries = new Set<{ readonly listener: L }>();

  /** From now on, until the function that this gives is called. */
  add(listener: L): () => void {
    const entry = { listener };
    this.entries.add(entry);
    return () => void this.entries.delete(entry);
  }

  /** Those of this moment: a listener may take itself or another off, or add one, which hears of the next thing. */
  *[Symbol.iterator](): Iterator<L> {
    for (const { listener } of [...this.entries]) yield listener;
  }
}
