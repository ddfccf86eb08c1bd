import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes a file of a tree below `root`, with the folders above it. */
export function putFile(root: string, path: string, content: string | Uint8Array): void {
  const place = placeOf(root, path);
  writeFileSync(place, content);
}

/** Makes a symbolic link in a tree below `root`, with the folders above it. */
export function putLink(root: string, path: string, target: string): void {
  symlinkSync(target, placeOf(root, path));
}

function placeOf(root: string, path: string): string {
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true });
  return place;
}
