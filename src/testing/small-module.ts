/** Modules of nothing but what depmod reads, for graphs that no real kernel has: circles, strange names. */

export interface SmallModule {
  /** Exported symbols, with their CRCs. */
  readonly exports?: Readonly<Record<string, number>>;
  /** Undefined symbols, with the CRCs in `__versions`. */
  readonly needs?: Readonly<Record<string, number>>;
  readonly weak?: readonly string[];
  /** `key=value` strings. */
  readonly modinfo?: readonly string[];
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly content: Uint8Array;
  readonly link?: number;
  readonly entry?: number;
}

const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHN_ABS = 0xfff1;
const GLOBAL = 1 << 4;
const WEAK = 2 << 4;

/** An ELF file of 64 bits, little-endian. Text is byte text. */
export function smallModule(module: SmallModule): Uint8Array {
  const strings = new Strings();
  const symbols = [
    symbol(0, 0, 0, 0),
    ...Object.keys(module.needs ?? {}).map((name) => symbol(strings.add(name), GLOBAL, 0, 0)),
    ...(module.weak ?? []).map((name) => symbol(strings.add(name), WEAK, 0, 0)),
    ...Object.entries(module.exports ?? {}).map(([name, crc]) =>
      symbol(strings.add(`__crc_${name}`), GLOBAL, SHN_ABS, crc),
    ),
  ];
  const versions = Object.entries(module.needs ?? {}).map(([name, crc]) => version(name, crc));
  return elfFile([
    {
      name: '.modinfo',
      type: SHT_PROGBITS,
      content: bytes((module.modinfo ?? []).map((s) => `${s}\0`).join('')),
    },
    { name: '__versions', type: SHT_PROGBITS, content: concat(versions) },
    { name: '.symtab', type: SHT_SYMTAB, content: concat(symbols), link: 4, entry: 24 },
    { name: '.strtab', type: SHT_STRTAB, content: strings.bytes() },
  ]);
}

class Strings {
  private text = '\0';

  add(name: string): number {
    const at = this.text.length;
    this.text += `${name}\0`;
    return at;
  }

  bytes(): Uint8Array {
    return bytes(this.text);
  }
}

function symbol(name: number, info: number, section: number, value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint32(0, name, true);
  view.setUint8(4, info);
  view.setUint16(6, section, true);
  view.setBigUint64(8, BigInt(value), true);
  return new Uint8Array(view.buffer);
}

function version(name: string, crc: number): Uint8Array {
  const entry = new Uint8Array(64);
  new DataView(entry.buffer).setBigUint64(0, BigInt(crc), true);
  entry.set(bytes(name).subarray(0, 55), 8);
  return entry;
}

function elfFile(sections: readonly Section[]): Uint8Array {
  const names = new Strings();
  const all: Section[] = [...sections, { name: '.shstrtab', type: SHT_STRTAB, content: new Uint8Array() }];
  const nameOffsets = all.map(({ name }) => names.add(name));
  all[all.length - 1] = { ...all[all.length - 1], content: names.bytes() };
  const headers = 64;
  const header = new DataView(new ArrayBuffer(headers + (all.length + 1) * 64));
  const ident = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1];
  ident.forEach((byte, i) => {
    header.setUint8(i, byte);
  });
  header.setUint16(16, 1, true);
  header.setUint16(18, 62, true);
  header.setUint32(20, 1, true);
  header.setBigUint64(40, BigInt(headers), true);
  header.setUint16(52, 64, true);
  header.setUint16(58, 64, true);
  header.setUint16(60, all.length + 1, true);
  header.setUint16(62, all.length, true);
  let offset = header.byteLength;
  all.forEach(({ type, content, link, entry }, i) => {
    const at = headers + (i + 1) * 64;
    header.setUint32(at, nameOffsets[i], true);
    header.setUint32(at + 4, type, true);
    header.setBigUint64(at + 24, BigInt(offset), true);
    header.setBigUint64(at + 32, BigInt(content.length), true);
    header.setUint32(at + 40, link ?? 0, true);
    header.setBigUint64(at + 48, 1n, true);
    header.setBigUint64(at + 56, BigInt(entry ?? 0), true);
    offset += content.length;
  });
  return concat([new Uint8Array(header.buffer), ...all.map(({ content }) => content)]);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
