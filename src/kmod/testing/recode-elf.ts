import { KmodElf } from '../kmod-elf.js';

/** The class and byte order that a module is to have. */
export interface ElfForm {
  readonly is64: boolean;
  readonly littleEndian: boolean;
}

/**
 * A module of another architecture, for want of real ones: a little-endian 64-bit module with its headers, symbols,
 * `__versions` and CRCs written anew. Other sections keep their bytes.
 */
export function recodeElf(bytes: Uint8Array, { is64, littleEndian }: ElfForm): Uint8Array {
  const { elf } = KmodElf.open(bytes, 'source');
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = is64 ? 64 : 40;
  const sections = [...elf.sections()];
  const bodies = sections.map(({ name, offset, size, type }) =>
    type === 8 ? new Uint8Array(0) : recodeSection(name, bytes.subarray(offset, offset + size)),
  );
  const total = bodies.reduce((sum, body) => sum + body.length, 64);
  const out = new Uint8Array(total + (sections.length + 1) * size);
  const to = new DataView(out.buffer);
  const word = (at: number, value: number): void =>
    is64 ? to.setBigUint64(at, BigInt(value), littleEndian) : to.setUint32(at, value, littleEndian);
  out.set(bytes.subarray(0, 16));
  out[4] = is64 ? 2 : 1;
  out[5] = littleEndian ? 1 : 2;
  to.setUint16(16, 1, littleEndian);
  to.setUint16(18, from.getUint16(18, true), littleEndian);
  word(is64 ? 0x28 : 0x20, total);
  const fields = is64 ? 0x3a : 0x2e;
  to.setUint16(fields, size, littleEndian);
  to.setUint16(fields + 2, sections.length + 1, littleEndian);
  to.setUint16(fields + 4, from.getUint16(0x3e, true), littleEndian);
  let at = 64;
  bodies.forEach((body, i) => {
    const header = total + (i + 1) * size;
    const source = Number(from.getBigUint64(0x28, true)) + (i + 1) * 64;
    to.setUint32(header, from.getUint32(source, true), littleEndian);
    to.setUint32(header + 4, sections[i].type, littleEndian);
    word(header + (is64 ? 24 : 16), at);
    word(header + (is64 ? 32 : 20), body.length);
    out.set(body, at);
    at += body.length;
  });
  return out;

  function recodeSection(name: string, body: Uint8Array): Uint8Array {
    if (name === '.symtab') return entries(body, 24, is64 ? 24 : 16, symbol);
    if (name === '__versions') return entries(body, 64, 64, version);
    if (name.startsWith('__kcrctab')) return entries(body, 4, 4, crc);
    return body;
  }

  function symbol(source: DataView, target: DataView): void {
    target.setUint32(0, source.getUint32(0, true), littleEndian);
    const value = source.getBigUint64(8, true);
    if (is64) target.setBigUint64(8, value, littleEndian);
    else target.setUint32(4, Number(value & 0xffff_ffffn), littleEndian);
    target.setUint8(is64 ? 4 : 12, source.getUint8(4));
    target.setUint16(is64 ? 6 : 14, source.getUint16(6, true), littleEndian);
  }

  function version(source: DataView, target: DataView): void {
    if (is64) target.setBigUint64(0, source.getBigUint64(0, true), littleEndian);
    else target.setUint32(0, source.getUint32(0, true), littleEndian);
    const start = is64 ? 8 : 4;
    for (let i = 0; i < 55; i++) target.setUint8(start + i, source.getUint8(8 + i));
  }

  function crc(source: DataView, target: DataView): void {
    target.setUint32(0, source.getUint32(0, true), littleEndian);
  }
}

/** Each entry of a table made anew in another size. */
function entries(
  body: Uint8Array,
  from: number,
  to: number,
  convert: (source: DataView, target: DataView) => void,
): Uint8Array {
  const count = Math.floor(body.length / from);
  const out = new Uint8Array(count * to);
  for (let i = 0; i < count; i++)
    convert(
      new DataView(body.buffer, body.byteOffset + i * from, from),
      new DataView(out.buffer, i * to, to),
    );
  return out;
}
