import type { Operand } from '../decode/instruction.js';
import type { Site } from '../translate/site.js';
import type { Translation } from './code-cache.js';

/** An entry begins with five 32-bit numbers: the address, and how long the four parts are that follow. */
const ENTRY_HEADER = 20;

/** The small parts of a translation, as JSON. */
type About = Pick<
  Translation,
  'mode' | 'instrumentation' | 'copies' | 'ranges' | 'asked' | 'jumped' | 'called' | 'slots'
>;

/** A translation as bytes that another process can read: see decodeTranslation. */
export function encodeTranslation(translation: Translation): Uint8Array {
  const { ptr, mode, instrumentation, copies, ranges, asked, jumped, called, slots } = translation;
  const about: About = { mode, instrumentation, copies, ranges, asked, jumped, called, slots };
  const parts = [
    new TextEncoder().encode(JSON.stringify(about)),
    new TextEncoder().encode(textOfSites(translation.sites)),
    translation.code,
    translation.binary,
  ];
  const entry = new Uint8Array(parts.reduce((sum, { length }) => sum + length, ENTRY_HEADER));
  const header = new DataView(entry.buffer);
  header.setUint32(0, ptr, true);
  let at = ENTRY_HEADER;
  parts.forEach((part, i) => {
    header.setUint32(4 + 4 * i, part.length, true);
    entry.set(part, at);
    at += part.length;
  });
  return entry;
}

/** The address that an entry is a translation of; -1 for one that is too short to be any. */
export function addressOfEntry(entry: Uint8Array): number {
  return entry.length < ENTRY_HEADER ? -1 : headerOf(entry).getUint32(0, true);
}

/** What encodeTranslation made an entry of; undefined for bytes that are no entry. */
export function decodeTranslation(entry: Uint8Array): Translation | undefined {
  if (entry.length < ENTRY_HEADER) return undefined;
  const header = headerOf(entry);
  let at = ENTRY_HEADER;
  const [about, sites, code, binary] = [4, 8, 12, 16].map((offset) => {
    const start = at;
    at += header.getUint32(offset, true);
    return entry.subarray(start, at);
  });
  if (at !== entry.length) return undefined;
  try {
    const parts = JSON.parse(new TextDecoder().decode(about)) as About;
    return new StoredTranslation(header.getUint32(0, true), parts, sites, code, binary);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const headerOf = (entry: Uint8Array): DataView => new DataView(entry.buffer, entry.byteOffset, ENTRY_HEADER);

/** Most units never stop at a site: theirs stay text. */
class StoredTranslation implements Translation {
  readonly mode;
  readonly instrumentation;
  readonly copies;
  readonly ranges;
  readonly asked;
  readonly jumped;
  readonly called;
  readonly slots;
  private parsed: readonly Site[] | undefined;

  constructor(
    readonly ptr: number,
    about: About,
    private readonly text: Uint8Array,
    readonly code: Uint8Array,
    readonly binary: Uint8Array,
  ) {
    this.mode = about.mode;
    this.instrumentation = about.instrumentation;
    this.copies = about.copies;
    this.ranges = about.ranges;
    this.asked = about.asked;
    this.jumped = about.jumped;
    this.called = about.called;
    this.slots = about.slots;
  }

  get sites(): readonly Site[] {
    this.parsed ??= sitesOf(new TextDecoder().decode(this.text));
    return this.parsed;
  }
}

/** JSON has no bigint: an immediate of 64 bits (ImmOperand.big) becomes a decimal text. */
function textOfSites(sites: readonly Site[]): string {
  if (!sites.some(({ insn }) => insn && [insn.a, insn.b, insn.c, insn.d].some(isBig)))
    return JSON.stringify(sites);
  return JSON.stringify(sites, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

const isBig = (operand: Operand | undefined): boolean => operand?.kind === 'imm' && operand.big !== undefined;

function sitesOf(text: string): readonly Site[] {
  if (!text.includes('"big":')) return JSON.parse(text) as readonly Site[];
  return JSON.parse(text, (name, value: unknown) =>
    name === 'big' ? BigInt(value as string) : value,
  ) as readonly Site[];
}
