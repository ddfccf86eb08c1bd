import { type DebOptions, debFiles } from '../formats/archive/deb.js';
import { isTargetFile, type TargetSource } from './source.js';

/** A Debian kernel package (`linux-image-*.deb`) as a source: one pass over it, keeping what a target needs. */
export function debSource(bytes: Uint8Array, name: string, options: DebOptions = {}): TargetSource {
  const files: string[] = [];
  const contents = new Map<string, Uint8Array>();
  for (const entry of debFiles(bytes, name, isTargetFile, options)) {
    if (entry.type !== 'file') continue;
    files.push(entry.path);
    if (entry.data !== undefined) contents.set(entry.path, entry.data);
  }
  // Where the image has no vermagic any module tells it: keep none for now, the image always has had one.
  return memorySource(name, contents, files);
}

/** Files that are in memory: what a browser has, or one image by itself. */
export function memorySource(
  name: string,
  contents: ReadonlyMap<string, Uint8Array>,
  files: readonly string[] = [...contents.keys()],
): TargetSource {
  return {
    name,
    files: files.filter((path) => contents.has(path)),
    read(path) {
      const bytes = contents.get(path);
      if (bytes === undefined) throw new Error(`${name}: ${path} was not kept`);
      return bytes;
    },
  };
}
