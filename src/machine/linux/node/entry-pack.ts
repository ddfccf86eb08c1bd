/** Pieces of bytes one after the other, each behind its length (32 bits, little-endian). */

const LENGTH_BYTES = 4;

export function joinEntries(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt32LE(entry.length);
      return [length, entry];
    }),
  );
}

/** `bytes` are to be what {@link joinEntries} made, whole. */
export function splitEntries(bytes: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + LENGTH_BYTES;
    at = start + view.getUint32(at, true);
    entries.push(bytes.subarray(start, at));
  }
  return entries;
}
