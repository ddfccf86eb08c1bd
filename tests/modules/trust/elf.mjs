// A relocatable ELF file taken apart, to be put together again with something odd in it.

const HEADER = 64, SECTION = 64, SYMBOL = 24, RELA = 24;
export const SHT = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOTE: 7, NOBITS: 8, REL: 9, INIT_ARRAY: 14, GROUP: 17, SYMTAB_SHNDX: 18 };
export const SHF = { WRITE: 1, ALLOC: 2, EXECINSTR: 4, INFO_LINK: 0x40, GROUP: 0x200, TLS: 0x400, COMPRESSED: 0x800, RELA_LIVEPATCH: 0x100000 };
export const R = { NONE: 0, 64: 1, PC32: 2, PLT32: 4, 32: 10, '32S': 11, PC64: 24 };

/** Section header fields: name, offset, bytes. */
const FIELDS = [['name', 0, 4], ['type', 4, 4], ['flags', 8, 8], ['addr', 16, 8], ['offset', 24, 8], ['size', 32, 8], ['link', 40, 4], ['info', 44, 4], ['addralign', 48, 8], ['entsize', 56, 8]];

const get = (bytes, at, size) => (size === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUIntLE(at, size)));
function put(bytes, at, size, value) {
  if (size === 8) bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
  else bytes.writeUIntLE(Number(BigInt.asUintN(8 * size, BigInt(value))), at, size);
}

export class Elf {
  constructor(bytes) {
    this.header = Buffer.from(bytes.subarray(0, HEADER));
    const at = Number(get(bytes, 0x28, 8));
    this.sections = Array.from({ length: bytes.readUInt16LE(0x3c) }, (_, i) => {
      const section = Object.fromEntries(FIELDS.map(([field, offset, size]) => [field, get(bytes, at + i * SECTION + offset, size)]));
      const { offset, size, type } = section;
      section.data = Buffer.from(Number(type) === SHT.NOBITS || i === 0 ? [] : bytes.subarray(Number(offset), Number(offset + size)));
      return section;
    });
    const names = this.sections[bytes.readUInt16LE(0x3e)].data;
    for (const section of this.sections) section.called = names.toString('latin1', Number(section.name), names.indexOf(0, Number(section.name)));
  }

  section(called) {
    const found = this.sections.find((s) => s.called === called);
    if (!found) throw new Error(`no section ${called}`);
    return found;
  }

  index(called) {
    return this.sections.indexOf(this.section(called));
  }

  /** A name's offset in the table of section names. */
  named(name) {
    const table = this.section('.shstrtab');
    const at = table.data.length;
    table.data = Buffer.concat([table.data, Buffer.from(`${name}\0`, 'latin1')]);
    return at;
  }

  /** Fields of a section. Numbers that are forced (`offset`, `size`) stay as they are given. */
  set(called, fields) {
    const section = this.section(called);
    Object.assign(section, fields);
    for (const field of ['offset', 'size']) if (field in fields) (section.forced ??= {})[field] = fields[field];
    return this;
  }

  rename(called, name) {
    const section = this.section(called);
    section.name = this.named(name);
    section.called = name;
    return this;
  }

  /** A new section at the end; gives its index. */
  add(called, { type = SHT.PROGBITS, flags = 0, data = Buffer.alloc(0), size, link = 0, info = 0, addralign = 1, entsize = 0 }) {
    const section = { called, name: this.named(called), type, flags, addr: 0, link, info, addralign, entsize, data, ...(size !== undefined && { forced: { size } }) };
    return this.sections.push(section) - 1;
  }

  symbolNamed(name) {
    const { data } = this.section('.symtab'), strings = this.section('.strtab').data;
    for (let i = 0; i < data.length / SYMBOL; i++) {
      const at = data.readUInt32LE(i * SYMBOL);
      if (strings.toString('latin1', at, strings.indexOf(0, at)) === name) return i;
    }
    throw new Error(`no symbol ${name}`);
  }

  string(name) {
    const table = this.section('.strtab');
    const at = table.data.length;
    table.data = Buffer.concat([table.data, Buffer.from(`${name}\0`, 'latin1')]);
    return at;
  }

  /** Fields of a symbol: name (text, or an offset), info, other, shndx, value, size. */
  symbol(which, { name, info, other, shndx, value, size }) {
    const { data } = this.section('.symtab');
    const at = (typeof which === 'number' ? which : this.symbolNamed(which)) * SYMBOL;
    if (name !== undefined) put(data, at, 4, typeof name === 'string' ? this.string(name) : name);
    if (info !== undefined) data[at + 4] = info;
    if (other !== undefined) data[at + 5] = other;
    if (shndx !== undefined) put(data, at + 6, 2, shndx);
    if (value !== undefined) put(data, at + 8, 8, value);
    if (size !== undefined) put(data, at + 16, 8, size);
    return this;
  }

  /** A new symbol; gives its index. */
  addSymbol(fields) {
    const table = this.section('.symtab');
    table.data = Buffer.concat([table.data, Buffer.alloc(SYMBOL)]);
    const index = table.data.length / SYMBOL - 1;
    this.symbol(index, fields);
    return index;
  }

  /** Fields of an entry of a relocation section: offset, type, symbol, addend. */
  rela(called, i, { offset, type, symbol, addend }) {
    const { data } = this.section(called), at = i * RELA;
    if (offset !== undefined) put(data, at, 8, offset);
    if (type !== undefined) put(data, at + 8, 4, type);
    if (symbol !== undefined) put(data, at + 12, 4, symbol);
    if (addend !== undefined) put(data, at + 16, 8, addend);
    return this;
  }

  addRela(called, fields) {
    const section = this.section(called);
    section.data = Buffer.concat([section.data, Buffer.alloc(RELA)]);
    return this.rela(called, section.data.length / RELA - 1, fields);
  }

  /** Bytes of a section changed. */
  poke(called, at, bytes) {
    Buffer.from(bytes).copy(this.section(called).data, at);
    return this;
  }

  contents(called, data) {
    this.section(called).data = Buffer.from(data);
    return this;
  }

  /** A field of the file header: offset, bytes, value. */
  head(at, size, value) {
    (this.forcedHead ??= []).push([at, size, value]);
    return this;
  }

  build() {
    const parts = [this.header];
    let at = HEADER;
    const places = this.sections.map((section, i) => {
      if (i === 0) return 0;
      const align = [1, 2, 4, 8, 16, 32, 64].includes(Number(section.addralign)) ? Number(section.addralign) : 8;
      const padding = -at & (align - 1);
      parts.push(Buffer.alloc(padding), section.data);
      const place = at + padding;
      at = place + section.data.length;
      return place;
    });
    const padding = -at & 7;
    parts.push(Buffer.alloc(padding));
    put(this.header, 0x28, 8, at + padding);
    put(this.header, 0x3c, 2, this.sections.length);
    for (const [offset, size, value] of this.forcedHead ?? []) put(this.header, offset, size, value);
    for (const [i, section] of this.sections.entries()) {
      const header = Buffer.alloc(SECTION);
      const size = Number(section.type) === SHT.NOBITS || i === 0 ? section.size ?? 0 : section.data.length;
      const values = { ...section, offset: places[i], size, ...section.forced };
      for (const [field, offset, width] of FIELDS) put(header, offset, width, values[field] ?? 0);
      parts.push(header);
    }
    return Buffer.concat(parts);
  }
}
