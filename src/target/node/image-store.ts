import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { writeWhole } from '../../files/node/write-whole.js';
import { encodeImage, type FileBytes, isOfOtherVersion, openImage } from '../image/image-file.js';
import type { KernelImage } from '../image/kernel-image.js';
import { DiskFindings } from './disk-findings.js';
import { deflated, nodeDecompressor } from './zlib-codec.js';

/** Level of deflate: for a cache that is read in pieces. */
const LEVEL = 4;

/** The file of a target's image, beside the target's own. */
export const imageFileOf = (target: string): string => target.replace(/\.modbox$/, '.image');

export function writeImageFile(file: string, image: KernelImage, banner: string): void {
  writeWhole(
    file,
    encodeImage(image, banner, (bytes) => deflated(bytes, LEVEL)),
  );
}

/** The image in a file, if it is there and of the kernel with that banner. */
export function openImageFile(file: string, banner: string): KernelImage | undefined {
  if (!existsSync(file)) return undefined;
  return openImage(new DiskBytes(file), file, banner, nodeDecompressor, new DiskFindings(file));
}

/** Whether an image is there that another version of modbox has stored: it is not used. */
export function isStaleImage(file: string): boolean {
  return existsSync(file) && isOfOtherVersion(new DiskBytes(file));
}

/** A file that is opened for each piece: what reads it may live as long as the process, and the file may go. */
class DiskBytes implements FileBytes {
  constructor(private readonly file: string) {}

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const fd = openSync(this.file, 'r');
    try {
      let done = 0;
      while (done < length) {
        const read = readSync(fd, bytes, done, length - done, offset + done);
        if (read === 0) break;
        done += read;
      }
      return bytes.subarray(0, done);
    } finally {
      closeSync(fd);
    }
  }
}
