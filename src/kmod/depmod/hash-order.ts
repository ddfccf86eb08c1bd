/**
 * The order of libkmod's hash table, which shows in modules.symbols and in the order of modules that modules.order
 * does not name: buckets by Paul Hsieh's SuperFastHash, within a bucket by strcmp.
 */

/** Keys in the order of a table with that many buckets (a power of two). Keys have a character for a byte. */
export function hashOrder(keys: Iterable<string>, buckets: number): string[] {
  const table: string[][] = Array.from({ length: buckets }, () => []);
  for (const key of keys) table[superFastHash(key) & (buckets - 1)].push(key);
  return table.flatMap((bucket) => bucket.sort());
}

/** SuperFastHash over little-endian pairs of bytes; a single last byte counts as signed. */
function superFastHash(key: string): number {
  const pair = (at: number): number => key.charCodeAt(at) | (key.charCodeAt(at + 1) << 8);
  const signed = (at: number): number => (key.charCodeAt(at) << 24) >> 24;
  let hash = key.length;
  let at = 0;
  for (let words = key.length >> 2; words > 0; words--) {
    hash = (hash + pair(at)) | 0;
    hash = (hash << 16) ^ (pair(at + 2) << 11) ^ hash;
    hash = (hash + (hash >>> 11)) | 0;
    at += 4;
  }
  switch (key.length & 3) {
    case 3:
      hash = (hash + pair(at)) | 0;
      hash ^= hash << 16;
      hash ^= key.charCodeAt(at + 2) << 18;
      hash = (hash + (hash >>> 11)) | 0;
      break;
    case 2:
      hash = (hash + pair(at)) | 0;
      hash ^= hash << 11;
      hash = (hash + (hash >>> 17)) | 0;
      break;
    case 1:
      hash = (hash + signed(at)) | 0;
      hash ^= hash << 10;
      hash = (hash + (hash >>> 1)) | 0;
      break;
  }
  return avalanche(hash);
}

function avalanche(value: number): number {
  let hash = value;
  hash ^= hash << 3;
  hash = (hash + (hash >>> 5)) | 0;
  hash ^= hash << 4;
  hash = (hash + (hash >>> 17)) | 0;
  hash ^= hash << 25;
  hash = (hash + (hash >>> 6)) | 0;
  return hash >>> 0;
}
