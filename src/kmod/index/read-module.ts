import { unpack } from '../../formats/compressed/unpack.js';
import { parseElf, type Section } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { type Modinfo, parseModinfo } from '../../formats/modinfo.js';
import { splitModuleSignature } from '../../formats/module-signature.js';
import type { FileSource } from '../file-source.js';

/** What an index needs to know of a module's file. */
export interface ModuleFacts {
  readonly aliases: readonly string[];
  readonly softdeps: readonly string[];
  /** Names of the symbols it exports. */
  readonly exports: readonly string[];
  /** Names of its undefined symbols, in the order of its symbol table. */
  readonly imports: readonly string[];
}

/** Reads a module's file without its packing. Throws FormatError where that is damaged. */
export function readModule(files: FileSource, path: string): Uint8Array | undefined {
  const bytes = files.read(path);
  return bytes && unpack(bytes, path);
}

/** The `.modinfo` of a module's (unpacked) file. */
export function modinfoOf(bytes: Uint8Array, path: string): Modinfo {
  const elf = parseElf(splitModuleSignature(bytes, path).module, path);
  return parseModinfo(elf.section('.modinfo')?.data ?? new Uint8Array());
}

/** Facts of a module in a tree; undefined where the file is no module. */
export function factsOf(files: FileSource, path: string): ModuleFacts | undefined {
  try {
    const bytes = readModule(files, path);
    if (!bytes) return undefined;
    const { sections } = parseElf(splitModuleSignature(bytes, path).module, path);
    const named = (name: string): Section | undefined => sections.find((section) => section.name === name);
    const modinfo = parseModinfo(named('.modinfo')?.data ?? new Uint8Array());
    const symtab = named('.symtab');
    return {
      aliases: modinfo.all('alias'),
      softdeps: modinfo.all('softdep'),
      exports: stringsOf(named('__ksymtab_strings')),
      imports: symtab ? undefinedSymbols(symtab.data, sections[symtab.link]?.data ?? new Uint8Array()) : [],
    };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The strings of `__ksymtab_strings`: exported names (namespaces are among them; nobody looks those up). */
function stringsOf(section: Section | undefined): string[] {
  if (!section) return [];
  return new TextDecoder('latin1').decode(section.data).split('\0').filter(Boolean);
}

const SYMBOL_BYTES = 24;

/** Names of the undefined symbols (gABI, "Symbol Table"), read without making objects of all the others. */
function undefinedSymbols(symbols: Uint8Array, strings: Uint8Array): string[] {
  const view = new DataView(symbols.buffer, symbols.byteOffset, symbols.byteLength);
  const names: string[] = [];
  for (let at = SYMBOL_BYTES; at + SYMBOL_BYTES <= symbols.length; at += SYMBOL_BYTES) {
    if (view.getUint16(at + 6, true) !== 0) continue;
    const name = stringAt(strings, view.getUint32(at, true));
    if (name !== '') names.push(name);
  }
  return names;
}

function stringAt(strings: Uint8Array, start: number): string {
  let text = '';
  for (let at = start; at < strings.length && strings[at] !== 0; at++)
    text += String.fromCharCode(strings[at]);
  return text;
}
