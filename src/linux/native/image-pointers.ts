import { WORD } from '../../conventions/amd64.js';
import type { KernelImage } from '../../target/image/kernel-image.js';

/** The upper half of an address of the image. */
const IMAGE_HALF = 0xffff_ffff;

/** The words of a range of an image that are addresses in it: the distance of each from the beginning of the range, in bytes, and its lower half. */
export function* imagePointers(
  image: KernelImage,
  address: number,
  size: number,
): Generator<readonly [at: number, low: number]> {
  const bytes = image.read(address, size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + WORD <= bytes.length; at += WORD)
    if (view.getUint32(at + 4, true) === IMAGE_HALF) yield [at, view.getUint32(at, true)];
}
