/**
 * The executable format of the miniature system: "MINI", the number of imports, where `start` and `stop` are in the image, the names
 * of the imports each with a NUL, and the image from the next multiple of 16 on. The image begins with a word for each import; its first
 * page is data, the others are code.
 */
export interface Executable {
  readonly imports: readonly string[];
  /** Offsets in the image. */
  readonly start: number;
  readonly stop: number;
  readonly image: Uint8Array;
}

const MAGIC = 0x494e_494d;
const HEADER = 16;

const imageAt = (end: number): number => Math.ceil(end / 16) * 16;

/** Throws a RangeError for what is no executable. */
export function readExecutable(file: Uint8Array): Executable {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < HEADER || view.getUint32(0, true) !== MAGIC)
    throw new RangeError('no executable of MINI');
  const count = view.getUint32(4, true);
  const imports: string[] = [];
  let at = HEADER;
  for (let i = 0; i < count; i++) {
    const end = file.indexOf(0, at);
    if (end < 0) throw new RangeError('the names of the imports have no end');
    imports.push(new TextDecoder().decode(file.subarray(at, end)));
    at = end + 1;
  }
  const image = file.subarray(imageAt(at));
  const [start, stop] = [8, 12].map((offset) => view.getUint32(offset, true));
  if (Math.max(start, stop) >= image.length) throw new RangeError('entry points lie beyond the image');
  return { imports, start, stop, image };
}

export function writeExecutable({ imports, start, stop, image }: Executable): Uint8Array {
  const names = new TextEncoder().encode(imports.map((name) => `${name}\0`).join(''));
  const file = new Uint8Array(imageAt(HEADER + names.length) + image.length);
  const view = new DataView(file.buffer);
  [MAGIC, imports.length, start, stop].forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  file.set(names, HEADER);
  file.set(image, file.length - image.length);
  return file;
}
