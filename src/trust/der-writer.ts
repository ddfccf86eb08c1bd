import { concatBytes } from './bytes.js';

/** Writes DER elements (X.690): each function gives the bytes of one. */
export const DerWriter = {
  /** Of that identifier octet. */
  raw: (tag: number, contents: Uint8Array): Uint8Array => element(tag, [contents]),
  sequence: (...elements: readonly Uint8Array[]): Uint8Array => element(0x30, elements),
  /** Of one element, or of several in their order. */
  set: (...elements: readonly Uint8Array[]): Uint8Array => element(0x31, elements),
  context: (number: number, ...elements: readonly Uint8Array[]): Uint8Array =>
    element(0xa0 + number, elements),
  oid: (text: string): Uint8Array => element(0x06, [oidContents(text)]),
  /** INTEGER of a number that is not negative, from its bytes, the most significant first. */
  unsigned: (bytes: Uint8Array): Uint8Array => {
    const first = bytes.findIndex((byte) => byte !== 0);
    const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
    return element(0x02, digits[0] >= 0x80 ? [Uint8Array.of(0), digits] : [digits]);
  },
};

function element(tag: number, contents: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(contents);
  return concatBytes([Uint8Array.of(tag), length(body.length), body]);
}

function length(size: number): Uint8Array {
  if (size < 0x80) return Uint8Array.of(size);
  const octets: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(0x80 + octets.length, ...octets);
}

/** X.690, 8.19. */
function oidContents(text: string): Uint8Array {
  const [first, second, ...rest] = text.split('.').map(Number);
  return Uint8Array.from([first * 40 + second, ...rest].flatMap(base128));
}

function base128(value: number): number[] {
  const octets = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
    octets.unshift(0x80 + (rest % 128));
  return octets;
}
