import { readFileSync } from 'node:fs';
import { decodeParts } from '../target/codec.js';
import { BUNDLED_FILE } from '../target/node/bundled.js';
import { nodeDecompressor } from '../target/node/zlib-codec.js';

/** The .BTF section of the bundled target. */
export function loadBundledBtf(): Uint8Array {
  return decodeParts(readFileSync(BUNDLED_FILE), BUNDLED_FILE, nodeDecompressor).part('btf');
}
