import type { FileSource } from '../../files/file-source.js';
import { unpack } from '../../formats/compressed/unpack.js';
import { parseElf } from '../../formats/elf/index.js';
import { type Modinfo, parseModinfo } from '../../formats/modinfo.js';
import { splitModuleSignature } from '../../formats/module-signature.js';

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
