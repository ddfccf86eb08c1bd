import { expect, it } from 'vitest';
import { readCertificates } from './certificates.js';

/** A DER SEQUENCE of some bytes. */
const der = (bytes: number, fill: number): number[] => [
  0x30,
  0x82,
  bytes >> 8,
  bytes & 0xff,
  ...new Array<number>(bytes).fill(fill),
];

const LIST = [...der(300, 1), ...der(517, 2)];

/** An image without symbols of data: what else begins as a certificate does, then the list and its length. */
function image(length: number): Parameters<typeof readCertificates>[0] {
  const data = new Uint8Array(2048);
  data.set(der(40, 7), 64);
  data.set(LIST, 512);
  const behind = (512 + LIST.length + 7) & ~7;
  new DataView(data.buffer).setBigUint64(behind, BigInt(length), true);
  return { bytesAt: () => undefined, sections: [{ name: '.init.data', data }] };
}

const NO_SYMBOLS = { names: [], addresses: [], types: [] } as unknown as Parameters<
  typeof readCertificates
>[1];

it('the list of certificates is found by its length behind it where no symbol says where it is', () => {
  expect(readCertificates(image(LIST.length), NO_SYMBOLS).map(({ length }) => length)).toEqual([304, 521]);
});

it('bytes that only begin as a certificate are none', () => {
  expect(readCertificates(image(LIST.length + 1), NO_SYMBOLS)).toEqual([]);
});
