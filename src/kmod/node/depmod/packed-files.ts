/** Files by name as one piece of bytes: the length of a JSON header, the header, and what is in the files. */

interface Header<T> {
  readonly about: T;
  readonly files: readonly { readonly name: string; readonly size: number }[];
}

interface PackedFiles<T> {
  /** Anything that JSON holds. */
  readonly about: T;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export function packFiles<T>({ about, files }: PackedFiles<T>): Uint8Array {
  const sizes = [...files].map(([name, { length }]) => ({ name, size: length }));
  const header = Buffer.from(JSON.stringify({ about, files: sizes } satisfies Header<T>));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  return Buffer.concat([length, header, ...files.values()]);
}

/** `bytes` are to be what {@link packFiles} made, whole. */
export function unpackFiles<T>(bytes: Uint8Array): PackedFiles<T> {
  let at = 4 + new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, at))) as Header<T>;
  const files = new Map<string, Uint8Array>();
  for (const { name, size } of header.files) {
    files.set(name, bytes.subarray(at, at + size));
    at += size;
  }
  return { about: header.about, files };
}
