import { parseElf, type Section } from '../../formats/elf/index.js';

const SYMBOL_SIZE = 24;
const STB_GLOBAL = 1;

/** A module whose symbol table has one more symbol: an undefined one that no relocation refers to. */
export function withUndefinedSymbol(file: Uint8Array, name: string): Uint8Array {
  const elf = parseElf(file, 'module.ko');
  const symbols = elf.sections.find((section) => section.name === '.symtab')!;
  const strings = elf.sections[symbols.link];
  const symbol = new Uint8Array(SYMBOL_SIZE);
  new DataView(symbol.buffer).setUint32(0, strings.size, true);
  symbol[4] = STB_GLOBAL << 4;
  const withSymbol = lengthened(file, symbols, symbol);
  return lengthened(withSymbol, strings, new TextEncoder().encode(`${name}\0`));
}

/** The file with a longer section, which goes to its end. */
function lengthened(file: Uint8Array, section: Section, added: Uint8Array): Uint8Array {
  const start = Math.ceil(file.length / 8) * 8;
  const out = new Uint8Array(start + section.size + added.length);
  out.set(file);
  out.set(section.data, start);
  out.set(added, start + section.size);
  const view = new DataView(out.buffer);
  // sh_offset and sh_size
  view.setBigUint64(section.headerOffset + 24, BigInt(start), true);
  view.setBigUint64(section.headerOffset + 32, BigInt(section.size + added.length), true);
  return out;
}
