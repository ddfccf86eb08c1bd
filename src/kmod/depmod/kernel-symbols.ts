import { readable } from '../byte-text.js';
import { linesOf, wordsOf } from './lines.js';
import type { Say } from './messages.js';
import type { SymbolTable } from './symbols.js';

/** Length of the buffer that kmod reads lines of these files into. */
const LINE_BYTES = 10240;

/** Where the kernel's own symbols come from (-E, -F). */
export interface KernelSymbols {
  readonly kind: 'symvers' | 'system-map';
  /** As the user named it. */
  readonly file: string;
  readonly content: Uint8Array;
}

/** Adds the kernel's own symbols, and those that its loader makes up. */
export function addKernelSymbols(table: SymbolTable, source: KernelSymbols, say: Say): void {
  if (source.kind === 'symvers') addSymvers(table, source, say);
  else addSystemMap(table, source, say);
  table.addBare('__this_module', 0, undefined);
  table.addBare('_GLOBAL_OFFSET_TABLE_', 0, undefined);
  if (!table.find('TOC.')) table.addBare('TOC.', 0, undefined);
}

/** Module.symvers: `0xCRC <tab> SYMBOL <tab> WHERE <tab> ...`; those of modules are known from the modules. */
function addSymvers(table: SymbolTable, { file, content }: KernelSymbols, say: Say): void {
  let number = 0;
  for (const line of linesOf(content, LINE_BYTES)) {
    number++;
    const [version, symbol, where] = wordsOf(line);
    if (where !== 'vmlinux') continue;
    if (!/^[\s]*[+-]?(?:0[xX])?[0-9a-fA-F]*$/.test(version)) {
      // kmod ends this with what went wrong last, which has nothing to do with it.
      say(
        'error',
        `${file}:${number} Invalid symbol version ${readable(version)}: No such file or directory\n`,
      );
      continue;
    }
    table.add(symbol, Number.parseInt(version, 16), undefined);
  }
}

const EXPORT_PREFIX = '__ksymtab_';

/** System.map: `ADDRESS TYPE SYMBOL`; an exported symbol has another one, __ksymtab_NAME. */
function addSystemMap(table: SymbolTable, { file, content }: KernelSymbols, say: Say): void {
  let number = 0;
  for (const line of linesOf(content, LINE_BYTES)) {
    number++;
    const first = line.indexOf(' ');
    const second = first < 0 ? -1 : line.indexOf(' ', first + 1);
    if (second < 0) {
      say('error', `${file}:${number}: invalid line: ${readable(line)}\n`);
      continue;
    }
    const symbol = table.withoutPrefix(line.slice(second + 1));
    if (!symbol.startsWith(EXPORT_PREFIX)) continue;
    const newline = symbol.indexOf('\n');
    table.addBare(symbol.slice(EXPORT_PREFIX.length, newline < 0 ? undefined : newline), 0, undefined);
  }
}
