import { KLD_POINTER } from './constants.js';
/** How a field of a PNP table is compared (sys/module.h, "Module PNP descriptions"). */
export type PnpType =
  | 'U8'
  | 'V8'
  | 'G16'
  | 'L16'
  | 'M16'
  | 'U16'
  | 'V16'
  | 'U32'
  | 'V32'
  | 'W32'
  | 'D'
  | 'Z'
  | 'E'
  | 'T';

/** A field that a description of a PNP table names. P, a pointer that is passed over, only takes room. */
export interface PnpField {
  readonly type: PnpType;
  /** Name of the variable; of W32 two with '/' between, of T what must hold: `model=3`. */
  readonly key: string;
  /** Offset in an entry of the table, bytes. */
  readonly offset: number;
}

const SIZES: Readonly<Record<PnpType, number>> = {
  U8: 1,
  V8: 1,
  G16: 2,
  L16: 2,
  M16: 2,
  U16: 2,
  V16: 2,
  U32: 4,
  V32: 4,
  W32: 4,
  E: 4,
  D: 8,
  Z: 8,
  T: 0,
};

/** Bytes of an entry that a field takes. */
export function pnpFieldSize({ type }: PnpField): number {
  return SIZES[type];
}

/** Longest type and key, and their NUL, that kldxref has room for. */
const TYPE_ROOM = 8;
const KEY_ROOM = 32;

/** A `TYPE:key` of a description. */
interface PnpWord {
  readonly type: string;
  readonly key: string;
}

/**
 * Takes `U16:vendor;U16:device;P:#;...` apart as kldxref does: each `TYPE:key`, ended by ';' or the end, white space after ';'
 * passed over. `words` are those before the first that is none.
 */
export function splitPnpDescription(description: string): {
  readonly words: readonly PnpWord[];
  readonly whole: boolean;
} {
  const words: PnpWord[] = [];
  for (let at = 0; at < description.length; ) {
    const colon = description.indexOf(':', at);
    const semicolon = description.indexOf(';', at);
    if (colon < 0 || (semicolon >= 0 && semicolon < colon) || colon - at > TYPE_ROOM)
      return { words, whole: false };
    const key = description.slice(colon + 1, semicolon < 0 ? undefined : semicolon);
    if (key.length >= KEY_ROOM - (semicolon < 0 ? 0 : 1)) return { words, whole: false };
    words.push({ type: description.slice(at, colon), key });
    at = semicolon < 0 ? description.length : afterSpaces(description, semicolon + 1);
  }
  return { words, whole: true };
}

/** The fields of a description: numbers and pointers at multiples of their size. Undefined where it is none. */
export function parsePnpDescription(description: string): readonly PnpField[] | undefined {
  const { words, whole } = splitPnpDescription(description);
  if (!whole) return undefined;
  const fields: PnpField[] = [];
  let end = 0;
  for (const { type, key } of words) {
    if (type === 'P') {
      end += KLD_POINTER;
      continue;
    }
    if (!isPnpType(type)) return undefined;
    const size = SIZES[type];
    const offset = size > 1 ? Math.ceil(end / size) * size : end;
    fields.push({ type, key, offset });
    end = offset + size;
  }
  return fields;
}

/** The description that linker.hints has of such a table: every number is an int there (kldxref.c lists the letters). */
export function hintsDescription(fields: readonly PnpField[]): string {
  return fields.map(hintsField).join('');
}

function hintsField({ type, key }: PnpField): string {
  if (type !== 'W32') return `${HINT_LETTERS[type]}:${key};`;
  return key
    .split('/')
    .filter((word) => word !== '')
    .map((word) => `I:${word};`)
    .join('');
}

const HINT_LETTERS: Readonly<Record<Exclude<PnpType, 'W32'>, string>> = {
  U8: 'I',
  U16: 'I',
  U32: 'I',
  V8: 'J',
  V16: 'J',
  V32: 'J',
  G16: 'G',
  L16: 'L',
  M16: 'M',
  D: 'D',
  Z: 'Z',
  E: 'Z',
  T: 'T',
};

function isPnpType(type: string): type is PnpType {
  return Object.hasOwn(SIZES, type);
}

function afterSpaces(text: string, from: number): number {
  let at = from;
  while (at < text.length && /[\t-\r ]/.test(text[at])) at++;
  return at;
}
