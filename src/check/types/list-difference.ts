/** One place where two lists of names differ. */
export interface ListChange {
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** The name that stands after the place in both lists; undefined at the end. */
  readonly before: string | undefined;
}

/** Lists longer than this are compared as sets: the table of a longest common subsequence would be too large. */
const MAX_COMPARED = 4000;

/** How to get from one list to the other, by a longest common subsequence. */
export function listChanges(from: readonly string[], to: readonly string[]): ListChange[] {
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) start++;
  let end = 0;
  while (
    end < from.length - start &&
    end < to.length - start &&
    from[from.length - 1 - end] === to[to.length - 1 - end]
  )
    end++;
  const a = from.slice(start, from.length - end);
  const b = to.slice(start, to.length - end);
  if (a.length === 0 && b.length === 0) return [];
  const after = to[to.length - end];
  const common = a.length * b.length > MAX_COMPARED * MAX_COMPARED ? [] : commonSubsequence(a, b);
  return gaps(a, b, common, after);
}

/** Pairs of indices of a longest common subsequence. */
function commonSubsequence(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] =
        a[i] === b[j]
          ? longest[(i + 1) * width + j + 1] + 1
          : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
  const pairs: [number, number][] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (longest[(i + 1) * width + j] >= longest[i * width + j + 1]) i++;
    else j++;
  }
  return pairs;
}

/** What lies between the pairs that both lists have. */
function gaps(
  a: readonly string[],
  b: readonly string[],
  common: readonly (readonly [number, number])[],
  after: string | undefined,
): ListChange[] {
  const found: ListChange[] = [];
  let i = 0;
  let j = 0;
  for (const [nextI, nextJ] of [...common, [a.length, b.length]]) {
    const removed = a.slice(i, nextI);
    const added = b.slice(j, nextJ);
    if (removed.length + added.length > 0) found.push({ removed, added, before: b[nextJ] ?? after });
    i = nextI + 1;
    j = nextJ + 1;
  }
  return found;
}
