import { decompressGzip } from '../../formats/compressed/gzip.js';
import type { ElfFile } from '../../formats/elf/index.js';
import { decodeUtf8 } from '../../formats/string-table.js';
import { findBytes } from './strings.js';

/** CONFIG_IKCONFIG: the configuration as a gzip file between two marks (kernel/configs.c). */
export function readIkconfig(elf: ElfFile): string | undefined {
  const begin = new TextEncoder().encode('IKCFG_ST');
  const end = new TextEncoder().encode('IKCFG_ED');
  for (const { name, data } of elf.sections) {
    if (!name.startsWith('.rodata')) continue;
    const from = findBytes(data, begin, 0);
    const to = from < 0 ? -1 : findBytes(data, end, from);
    if (to >= 0)
      return decodeUtf8(decompressGzip(data.subarray(from + begin.length, to), `${elf.file}: IKCONFIG`));
  }
  return undefined;
}
