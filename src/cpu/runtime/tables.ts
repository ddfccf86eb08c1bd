/**
 * Constants in linear memory that translated code and its helpers read: those of the AES S-box, which is computed
 * with vector permutes, and of CRC-32C.
 *
 * The S-box is inversion in GF(256) and an affine map. A byte is written as k + i*w, where k and i are in the
 * subfield GF(16), as nibbles, and w is a root of w^2 + a*w + a. With j = i + k the inverse is a sum of a function
 * of j + 1/(1/i + a/k) and one of i + 1/(1/j + a/k), so it takes nothing but look-ups in tables of 16 bytes
 * (M. Hamburg, "Accelerating AES with Vector Permute Instructions", CHES 2009). 0x80 stands for 1/0: look-ups of it
 * give zero.
 */

/** Tables of 16 bytes, by index: see `tableOffset`. */
export const AES_TABLES = [
  'inputLow',
  'inputHigh',
  'outputU',
  'outputT',
  'inverseInputLow',
  'inverseInputHigh',
  'inverseOutputU',
  'inverseOutputT',
  'inverse',
  'aOver',
] as const;
export type AesTable = (typeof AES_TABLES)[number];

const CRC_AT = AES_TABLES.length * 16;
/** Eight tables of 256 words: the CRC of a byte followed by 0 to 7 zero bytes. */
const CRC_TABLES = 8;
export const TABLES_SIZE = CRC_AT + CRC_TABLES * 1024;

/** Offsets from TABLES (layout.ts). */
export const tableOffset = (name: AesTable): number => AES_TABLES.indexOf(name) * 16;
export const crcOffset = (zeroBytes: number): number => CRC_AT + zeroBytes * 1024;

const INFINITY = 0x80;

function multiply(x: number, y: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if ((y >> bit) & 1) product ^= x << bit;
  for (let bit = 14; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11b << (bit - 8);
  return product;
}

function power(x: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = multiply(result, x);
  return result;
}

const invert = (x: number): number => power(x, 254);

/** The linear part of the S-box's affine map: each bit is the sum of five. */
function affine(x: number): number {
  const rotate = (by: number): number => ((x << by) | (x >> (8 - by))) & 255;
  return x ^ rotate(1) ^ rotate(2) ^ rotate(3) ^ rotate(4);
}

function unaffine(x: number): number {
  const rotate = (by: number): number => ((x << by) | (x >> (8 - by))) & 255;
  return rotate(1) ^ rotate(3) ^ rotate(6);
}

interface Tower {
  readonly a: number;
  readonly w: number;
  /** Subfield elements by nibble, and back. */
  readonly element: readonly number[];
  readonly nibble: ReadonlyMap<number, number>;
}

function findTower(): Tower {
  const bytes = Array.from({ length: 256 }, (_, i) => i);
  const subfield = bytes.filter((x) => power(x, 16) === x);
  const generator = subfield.find((x) => x > 1 && power(x, 3) !== 1 && power(x, 5) !== 1)!;
  const basis = [0, 1, 2, 3].map((exponent) => power(generator, exponent));
  const element = Array.from({ length: 16 }, (_, n) =>
    basis.reduce((sum, base, bit) => ((n >> bit) & 1 ? sum ^ base : sum), 0),
  );
  const isRoot = (x: number, a: number): boolean => (multiply(x, x) ^ multiply(a, x) ^ a) === 0;
  const a = subfield.find((x) => x > 0 && !subfield.some((y) => isRoot(y, x)))!;
  const w = bytes.find((x) => isRoot(x, a))!;
  return { a, w, element, nibble: new Map(element.map((x, n) => [x, n])) };
}

function aesTables(): Record<AesTable, number[]> {
  const { a, w, element, nibble } = findTower();
  const split = new Array<number>(256);
  for (let k = 0; k < 16; k++)
    for (let i = 0; i < 16; i++) split[element[k] ^ multiply(element[i], w)] = (i << 4) | k;
  const nibbles = (fn: (n: number) => number): number[] => Array.from({ length: 16 }, (_, n) => fn(n));
  const reciprocal = (factor: number): number[] =>
    nibbles((n) => (n === 0 ? INFINITY : nibble.get(multiply(factor, invert(element[n])))!));
  const wOverA = multiply(w, invert(a));
  const wOverA2 = multiply(wOverA, invert(a));
  const u = nibbles((n) => multiply(invert(element[n]), 1 ^ wOverA ^ wOverA2));
  const t = nibbles((n) => multiply(invert(element[n]), wOverA2));
  return {
    inputLow: nibbles((n) => split[n]),
    inputHigh: nibbles((n) => split[n << 4]),
    outputU: u.map(affine),
    outputT: t.map(affine),
    inverseInputLow: nibbles((n) => split[unaffine(n ^ 0x63)]),
    inverseInputHigh: nibbles((n) => split[unaffine(n << 4)]),
    inverseOutputU: u,
    inverseOutputT: t,
    inverse: reciprocal(1),
    aOver: reciprocal(a),
  };
}

let made: Uint8Array | undefined;

/** What belongs at TABLES. */
export function makeTables(): Uint8Array {
  if (made) return made;
  made = new Uint8Array(TABLES_SIZE);
  const aes = aesTables();
  for (const name of AES_TABLES) made.set(aes[name], tableOffset(name));
  const view = new DataView(made.buffer);
  const step = (crc: number): number => (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let zeros = 0; zeros < CRC_TABLES; zeros++) {
      for (let bit = 0; bit < 8; bit++) crc = step(crc);
      view.setUint32(crcOffset(zeros) + byte * 4, crc, true);
    }
  }
  return made;
}
