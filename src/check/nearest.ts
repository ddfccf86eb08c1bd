/** Names less alike than this are no help. */
const LEAST_LIKENESS = 0.55;

/**
 * Finds the names most like a given one, by the groups of three letters that they share (Dice's coefficient): renamed
 * functions mostly keep words, in another order (`del_timer_sync`, `timer_delete_sync`).
 */
export class NearestNames {
  private readonly names: readonly string[];
  private readonly sizes: Uint16Array;
  /** How many groups a name has in common with the one that is looked for; all 0 in between. */
  private readonly shared: Uint16Array;
  private readonly holders = new Map<string, number[]>();

  constructor(names: Iterable<string>) {
    this.names = [...new Set(names)];
    this.sizes = new Uint16Array(this.names.length);
    this.shared = new Uint16Array(this.names.length);
    for (const [i, name] of this.names.entries()) {
      const groups = groupsOf(name);
      this.sizes[i] = groups.size;
      for (const group of groups) {
        const holders = this.holders.get(group);
        if (holders) holders.push(i);
        else this.holders.set(group, [i]);
      }
    }
  }

  /** At most `count` names, the most alike first; none that is not much alike. */
  of(name: string, count: number): string[] {
    const groups = groupsOf(name);
    const { shared } = this;
    const touched: number[] = [];
    for (const group of groups)
      for (const i of this.holders.get(group) ?? []) if (shared[i]++ === 0) touched.push(i);
    const alike = touched.map((i) => ({
      name: this.names[i],
      likeness: (2 * shared[i]) / (groups.size + this.sizes[i]),
    }));
    for (const i of touched) shared[i] = 0;
    return alike
      .filter(({ likeness }) => likeness >= LEAST_LIKENESS)
      .sort((a, b) => b.likeness - a.likeness || (a.name < b.name ? -1 : 1))
      .slice(0, count)
      .map((found) => found.name);
  }
}

/** All groups of three letters of `_name_`, so that beginnings and ends of words count as such. */
function groupsOf(name: string): Set<string> {
  const text = `_${name}_`;
  const groups = new Set<string>();
  for (let i = 0; i + 3 <= text.length; i++) groups.add(text.slice(i, i + 3));
  return groups;
}
