import { FormatError } from '../format-error.js';
import { type KldImage, pointerAt } from './kld-image.js';
import type { PnpTable } from './metadata.js';
import { type PnpField, pnpFieldSize } from './pnp-description.js';

/** Longest text of a table, its NUL included, that kldxref reads. */
const TEXT_ROOM = 1024;
/** More entries do not fit into a record of linker.hints. */
const PNP_ENTRY_LIMIT = 1 << 16;

/** What linker.hints has of a field: numbers as signed ints, texts. */
export type PnpValue = number | string;

/**
 * The entries of a PNP table as linker.hints has them, each field one value, W32 two and T none. Throws a FormatError
 * where the table is not in the file; a text that is not is empty, as that of a null pointer.
 */
export function readPnpTable(
  image: KldImage,
  { table, entryLength, count }: PnpTable,
  fields: readonly PnpField[],
  file: string,
): readonly (readonly PnpValue[])[] {
  if (count > PNP_ENTRY_LIMIT)
    throw new FormatError(file, 'num_entry', table, `${count} entries, more than ${PNP_ENTRY_LIMIT}`);
  const view = image.read(table, count * entryLength, 'table of struct mod_pnp_match_info');
  return Array.from({ length: count }, (_, i) =>
    fields.flatMap((field) => {
      const at = i * entryLength + field.offset;
      if (at + pnpFieldSize(field) <= view.byteLength) return valuesOf(image, view, at, field);
      throw new FormatError(file, 'entry_len', table, `${entryLength} bytes, less than ${field.key} needs`);
    }),
  );
}

function valuesOf(image: KldImage, view: DataView, at: number, { type }: PnpField): readonly PnpValue[] {
  switch (type) {
    case 'U8':
      return [view.getUint8(at)];
    case 'V8':
      return [wildcard(view.getUint8(at), 0xff)];
    case 'V16':
      return [wildcard(view.getUint16(at, true), 0xffff)];
    case 'U16':
    case 'G16':
    case 'L16':
    case 'M16':
      return [view.getUint16(at, true)];
    case 'U32':
    case 'V32':
      return [view.getInt32(at, true)];
    case 'W32':
      return [view.getUint16(at, true), view.getUint16(at + 2, true)];
    case 'E':
      return [eisaId(view.getUint32(at, true))];
    case 'D':
    case 'Z':
      return [textAt(image, pointerAt(view, at))];
    case 'T':
      return [];
  }
}

/** All ones stand for any value; an int has all of them. */
function wildcard(value: number, ones: number): number {
  return value === ones ? -1 : value;
}

function textAt(image: KldImage, address: number): string {
  if (address === 0) return '';
  try {
    return image.readString(address, TEXT_ROOM, 'a text of a PNP table');
  } catch (error) {
    if (error instanceof FormatError) return '';
    throw error;
  }
}

/** A plug-and-play ID as text, `PNP0501`: three letters of five bits each and four hexadecimal digits (ISA PnP, 6.1). */
export function eisaId(id: number): string {
  const [a, b, c, d] = [id & 0xff, (id >>> 8) & 0xff, (id >>> 16) & 0xff, id >>> 24];
  const letters = [(a & 0x7c) >> 2, ((a & 3) << 3) + ((b & 0xe0) >> 5), b & 0x1f];
  const digits = [c, d].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return String.fromCharCode(...letters.map((letter) => 0x40 + letter)) + digits;
}
