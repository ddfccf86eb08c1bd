/** The lowest number from `from` on that is not taken, as an IDA gives it (ida_alloc_min()). */
export function lowestFree(taken: { has(id: number): boolean }, from = 0): number {
  let id = from;
  while (taken.has(id)) id++;
  return id;
}
