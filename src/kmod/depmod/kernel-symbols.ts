import { messageText } from '../byte-text.js';
import { linesOf, wordsOf } from './lines.js';
import type { Say } from './messages.js';

/** Length of the buffer that kmod reads lines of these files into. */
const LINE_BYTES = 10240;

/** Symbols of the kernel image itself, from Module.symvers (-E) or System.map (-F). */
export interface KernelSymbols {
  readonly kind: 'symvers' | 'system-map';
  readonly content: Uint8Array;
  /** Names without the architecture's prefix. */
  readonly symbols: readonly KernelSymbol[];
}

interface KernelSymbol {
  readonly name: string;
  /** 0 where the file does not say. */
  readonly crc: number;
}

/** A name without the character that an architecture's compiler puts before every symbol (`prefix`, or ''). */
export function withoutPrefix(name: string, prefix: string): string {
  return prefix !== '' && name.startsWith(prefix) ? name.slice(1) : name;
}

/** Reads the symbols of a file, which is called `file` in messages. */
export function kernelSymbols(
  kind: KernelSymbols['kind'],
  file: string,
  content: Uint8Array,
  prefix: string,
  say: Say,
): KernelSymbols {
  const read = kind === 'symvers' ? symversSymbols : systemMapSymbols;
  return { kind, content, symbols: [...read(file, content, prefix, say)] };
}

/** Module.symvers: `0xCRC <tab> SYMBOL <tab> WHERE <tab> ...`; those of modules are known from the modules. */
function* symversSymbols(
  file: string,
  content: Uint8Array,
  prefix: string,
  say: Say,
): Generator<KernelSymbol> {
  let number = 0;
  for (const line of linesOf(content, LINE_BYTES)) {
    number++;
    const [version, symbol, where] = wordsOf(line);
    if (where !== 'vmlinux') continue;
    const crc = hexadecimal(version);
    if (crc !== undefined) yield { name: withoutPrefix(symbol, prefix), crc };
    // kmod ends this with what went wrong last anywhere: mostly a depmod.d that is not there.
    else
      say(
        'error',
        `${file}:${number} Invalid symbol version ${messageText(version)}: No such file or directory\n`,
      );
  }
}

/** As strtoull(3) reads it, which takes no digits for 0. */
function hexadecimal(text: string): number | undefined {
  const match = /^[\v\f\r\n]*([+-]?)(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)$/.exec(text);
  if (!match) return undefined;
  const value = Number.parseInt(match[2], 16);
  return match[1] === '-' ? Number(BigInt.asUintN(64, -BigInt(`0x${match[2]}`))) : value;
}

const EXPORT_PREFIX = '__ksymtab_';

/** System.map: `ADDRESS TYPE SYMBOL`; an exported symbol has another one, __ksymtab_NAME. */
function* systemMapSymbols(
  file: string,
  content: Uint8Array,
  prefix: string,
  say: Say,
): Generator<KernelSymbol> {
  let number = 0;
  for (const line of linesOf(content, LINE_BYTES)) {
    number++;
    const first = line.indexOf(' ');
    const second = first < 0 ? -1 : line.indexOf(' ', first + 1);
    if (second < 0) {
      say('error', `${file}:${number}: invalid line: ${messageText(line)}\n`);
      continue;
    }
    const symbol = withoutPrefix(line.slice(second + 1), prefix);
    if (symbol.startsWith(EXPORT_PREFIX))
      yield { name: symbol.slice(EXPORT_PREFIX.length).replace(/\n.*/s, ''), crc: 0 };
  }
}
