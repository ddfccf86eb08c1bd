import { FormatError, hex } from '../format-error.js';
import { KLD_POINTER } from './constants.js';

/**
 * A kld as it would be in memory, an object file from address 0 on, to read what its data say: pointers are addresses in the
 * image, and those to symbols of other files are 0 (and what is added to them).
 */
export interface KldImage {
  /** Bytes, with relocations applied. Throws a FormatError where they are not in the image, or not in one section of it. */
  read(address: number, length: number, what: string): DataView;
  /** The text at an address, without its NUL. Throws a FormatError where it does not end within `limit` bytes, or within the image. */
  readString(address: number, limit: number, what: string): string;
  /** Addresses in a linker set, in its order; undefined where the file has no such set. */
  linkerSet(name: string): readonly number[] | undefined;
}

/** Where something is in an image. */
interface ImageRange {
  readonly address: number;
  readonly size: number;
}

/** A part of an image: a section, or a segment. */
export interface ImagePart extends ImageRange {
  /** What the file has of it; the rest is zeros. */
  readonly data: Uint8Array;
}

/** What is written over the bytes of the file: 8 bytes where `wide`, else 4. */
export interface ImagePatch {
  readonly address: number;
  readonly value: bigint;
  readonly wide: boolean;
}

/** Space without bytes in the file can be of any size. */
const MAX_READ = 1 << 24;
/** More entries than this in one set is damage: the largest real one has about 1,000. */
const MAX_SET = 1 << 20;

/** An image that is made of parts of a file. Nothing is copied but what is read. */
export class PartedImage implements KldImage {
  private readonly patches: readonly ImagePatch[];

  constructor(
    private readonly file: string,
    private readonly parts: readonly ImagePart[],
    patches: readonly ImagePatch[],
    private readonly sets: (name: string) => ImageRange | undefined,
  ) {
    this.patches = [...patches].sort((a, b) => a.address - b.address);
  }

  read(address: number, length: number, what: string): DataView {
    const part = this.parts.find((p) => address >= p.address && address + length <= p.address + p.size);
    if (!part) {
      throw new FormatError(this.file, what, address, `no ${length} bytes in one section there`);
    }
    if (length > MAX_READ)
      throw new FormatError(this.file, what, address, `${hex(length)} bytes are too many`);
    const bytes = new Uint8Array(length);
    const offset = address - part.address;
    bytes.set(part.data.subarray(offset, offset + length));
    const view = new DataView(bytes.buffer);
    for (let i = this.firstPatch(address); i < this.patches.length; i++) {
      const patch = this.patches[i];
      const at = patch.address - address;
      if (at >= length) break;
      if (at + (patch.wide ? 8 : 4) > length) {
        throw new FormatError(this.file, what, address, 'a relocation goes over its end');
      }
      if (patch.wide) view.setBigUint64(at, BigInt.asUintN(64, patch.value), true);
      else view.setUint32(at, Number(BigInt.asUintN(32, patch.value)), true);
    }
    return view;
  }

  readString(address: number, limit: number, what: string): string {
    const part = this.parts.find((p) => address >= p.address && address < p.address + p.size);
    if (!part)
      throw new FormatError(this.file, what, address, 'a string at an address that is not in the file');
    const offset = address - part.address;
    const bytes = part.data.subarray(offset, offset + limit);
    const inZeros = bytes.length < limit && part.size > part.data.length;
    const end = bytes.indexOf(0);
    if (end < 0 && !inZeros) {
      throw new FormatError(
        this.file,
        what,
        address,
        `a string without end (longer than ${bytes.length} bytes)`,
      );
    }
    return byteString(end < 0 ? bytes : bytes.subarray(0, end));
  }

  linkerSet(name: string): readonly number[] | undefined {
    const set = this.sets(name);
    if (!set) return undefined;
    const count = Math.floor(set.size / KLD_POINTER);
    if (count > MAX_SET)
      throw new FormatError(this.file, `set_${name}`, set.address, `${hex(count)} entries are too many`);
    if (count === 0) return [];
    const view = this.read(set.address, count * KLD_POINTER, `set_${name}`);
    return Array.from({ length: count }, (_, i) => pointerAt(view, i * KLD_POINTER));
  }

  /** Index of the first patch at an address or behind it. */
  private firstPatch(address: number): number {
    let low = 0;
    let high = this.patches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.patches[middle].address < address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * An address of a file as an address of its image: a signed number, so that a kernel's, in the uppermost 2 GiB, is exact. What is
 * not is far from anything.
 */
export function imageAddress(value: bigint): number {
  const signed = BigInt.asIntN(64, value);
  if (signed > MOST || signed < -MOST) return Number.MAX_SAFE_INTEGER;
  return Number(signed);
}

/** A pointer in an image, as an address. */
export function pointerAt(view: DataView, offset: number): number {
  return imageAddress(view.getBigUint64(offset, true));
}

/** Text of which every character is one byte. */
export function byteString(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
