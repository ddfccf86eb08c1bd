// Changes to module files, as bytes: each function gives a changed copy.

const MARKER = Buffer.from('~Module signature appended~\n');
const TRAILER = 12;
/** Of a 64-bit ELF file's header and section headers. */
const E_SHOFF = 0x28, E_SHNUM = 0x3c, E_SHSTRNDX = 0x3e, SECTION = 64;

function sections(bytes) {
  const at = Number(bytes.readBigUInt64LE(E_SHOFF));
  const header = (i) => at + i * SECTION;
  const offsetOf = (h) => Number(bytes.readBigUInt64LE(h + 0x18));
  const sizeOf = (h) => Number(bytes.readBigUInt64LE(h + 0x20));
  const names = offsetOf(header(bytes.readUInt16LE(E_SHSTRNDX)));
  return Array.from({ length: bytes.readUInt16LE(E_SHNUM) }, (_, i) => {
    const h = header(i), from = names + bytes.readUInt32LE(h);
    return { header: h, offset: offsetOf(h), size: sizeOf(h), name: bytes.toString('latin1', from, bytes.indexOf(0, from)) };
  });
}

function section(bytes, name) {
  const found = sections(bytes).find((s) => s.name === name);
  if (!found) throw new Error(`no section ${name}`);
  return found;
}

/** Where in the file a section begins. */
export const offsetOf = (bytes, name) => section(bytes, name).offset;

export function contentsOf(bytes, name) {
  const { offset, size } = section(bytes, name);
  return bytes.subarray(offset, offset + size);
}

/** With other contents of a section, which then lies at the end of the file. */
export function withSection(bytes, name, contents) {
  const { header } = section(bytes, name);
  const padded = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 63)]);
  padded.writeBigUInt64LE(BigInt(padded.length), header + 0x18);
  padded.writeBigUInt64LE(BigInt(contents.length), header + 0x20);
  return Buffer.concat([padded, contents]);
}

/** Without a section, as far as anybody can tell who looks for its name. */
export function withoutSection(bytes, name) {
  const { header } = section(bytes, name);
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(copy.readUInt32LE(header) + 1, header);
  return copy;
}

/** With a section made into one of another name and with other contents. */
export function asSection(bytes, from, name, contents) {
  const names = contentsOf(bytes, '.shstrtab');
  const copy = withSection(bytes, '.shstrtab', Buffer.concat([names, Buffer.from(`${name}\0`)]));
  copy.writeUInt32LE(names.length, section(copy, from).header);
  return withSection(copy, name, contents);
}

/** With a section of another size; its contents begin where they did. */
export function sectionSize(bytes, name, size) {
  const copy = Buffer.from(bytes);
  copy.writeBigUInt64LE(BigInt(size), section(bytes, name).header + 0x20);
  return copy;
}

/** With a section of another type (SHT_*). */
export function sectionType(bytes, name, type) {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(type, section(bytes, name).header + 4);
  return copy;
}

/** With other `.modinfo`: a function from its strings to new ones. */
export function modinfo(bytes, change) {
  const { offset, size } = section(bytes, '.modinfo');
  const strings = bytes.toString('latin1', offset, offset + size).split('\0').filter((s) => s !== '');
  return withSection(bytes, '.modinfo', Buffer.from(change(strings).map((s) => `${s}\0`).join(''), 'latin1'));
}

/** `.modinfo` with other values of some keys; undefined takes one out. */
export const set = (bytes, values) =>
  modinfo(bytes, (strings) => [
    ...strings.filter((s) => !Object.hasOwn(values, s.slice(0, s.indexOf('=')))),
    ...Object.entries(values).filter(([, value]) => value !== undefined).map(([key, value]) => `${key}=${value}`),
  ]);

const VERSION = 64;

/** `{ name, crc }` of each entry of `__versions`. */
export function versionsOf(bytes) {
  const { offset, size } = section(bytes, '__versions');
  const entries = [];
  for (let at = offset; at < offset + size; at += VERSION)
    entries.push({ name: bytes.toString('latin1', at + 8, bytes.indexOf(0, at + 8)), crc: bytes.readUInt32LE(at) });
  return entries;
}

/** With other symbol versions: a function from `{name, crc}` to the same, or undefined to take one out. */
export function versions(bytes, change) {
  return withSection(bytes, '__versions', Buffer.concat(versionsOf(bytes).map(change).filter(Boolean).map(({ name, crc }) => {
    const entry = Buffer.alloc(VERSION);
    entry.writeUInt32LE(crc);
    entry.write(name, 8, 'latin1');
    return entry;
  })));
}

/** With some bytes changed: `{offset: byte}`. */
export function patch(bytes, at) {
  const copy = Buffer.from(bytes);
  for (const [offset, byte] of Object.entries(at)) copy[Number(offset)] = byte;
  return copy;
}

/** With one bit flipped. */
export const flip = (bytes, at) => patch(bytes, { [at]: bytes[at] ^ 1 });

/** With every occurrence of a text replaced by another of the same length. */
export function replaceText(bytes, from, to) {
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(from, 0, 'latin1'); at >= 0; at = copy.indexOf(from, at + 1, 'latin1')) copy.write(to, at, 'latin1');
  return copy;
}

/** A signed module in its parts: the module, the message, and what struct module_signature says. */
export function split(bytes) {
  const end = bytes.length - MARKER.length - TRAILER;
  const trailer = bytes.subarray(end, end + TRAILER);
  const start = end - trailer.readUInt32BE(8);
  return { module: bytes.subarray(0, start), message: bytes.subarray(start, end), trailer };
}

/** The parts put together. Of the trailer: `length` of the message, `fields` `{offset: byte}`. */
export function join({ module, message, length = message.length, fields = {} }) {
  const trailer = patch(Buffer.from([0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]), fields);
  trailer.writeUInt32BE(length >>> 0, 8);
  return Buffer.concat([module, message, trailer, MARKER]);
}
