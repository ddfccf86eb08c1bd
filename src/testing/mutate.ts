import type { Random } from './random.js';

/** Values that break careless arithmetic: around zero, signs, sizes of fields, wrap-arounds. */
const INTERESTING = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0xfff1n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 53n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

/**
 * A damaged copy: one to four of a truncation, a flipped bit, a field set to an interesting value, two pieces
 * swapped. `regions` are where fields live: most of the damage goes there.
 */
export function mutate(
  bytes: Uint8Array,
  random: Random,
  regions: readonly (readonly [start: number, length: number])[],
): Uint8Array {
  // Not slice(): that of a Buffer shares its memory.
  let copy: Uint8Array = new Uint8Array(bytes);
  for (let n = 1 + random.below(4); n > 0; n--) copy = damage(copy, random, regions);
  return copy;
}

function damage(
  copy: Uint8Array,
  random: Random,
  regions: readonly (readonly [number, number])[],
): Uint8Array {
  const [start, length] = random.below(10) === 0 ? [0, copy.length] : random.pick(regions);
  const at = Math.min(start + random.below(Math.max(length, 1)), Math.max(copy.length - 1, 0));
  switch (random.below(10)) {
    case 0:
      return copy.slice(0, random.below(3) === 0 ? at : random.below(copy.length + 1));
    case 1:
    case 2:
      if (copy.length > 0) copy[at] ^= 1 << random.below(8);
      return copy;
    case 3:
      copy.copyWithin(at, random.below(copy.length + 1), random.below(copy.length + 1));
      return copy;
    default: {
      const size = random.pick([1, 2, 4, 4, 8, 8]);
      const value =
        random.below(4) === 0 ? BigInt(random.below(copy.length * 2 + 1)) : random.pick(INTERESTING);
      // Fields are aligned to their size.
      const from = at - ((at - start) % size);
      for (let i = 0; i < size && from + i < copy.length; i++)
        copy[from + i] = Number((value >> BigInt(8 * i)) & 0xffn);
      return copy;
    }
  }
}
