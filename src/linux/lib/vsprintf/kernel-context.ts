import type { Ptr } from '../../../cpu/layout.js';
import { symbolAt } from '../../kallsyms/symbolize.js';
import type { LinuxKernel } from '../../kernel.js';
import { IMAGE, MODULES } from '../../memory-map.js';
import { warn } from '../../warn.js';
import { siphashWords } from '../hash/siphash.js';
import type { FormatContext, SymbolStyle } from './context.js';

/** The real kernel draws this key at boot; a fixed one makes logs comparable. */
const POINTER_KEY = { k0: 0x6d6f_6462_6f78_2025n, k1: 0x7020_6861_7368_6573n };

/** Where lib/vsprintf.c warns, by the start of the message. */
const LINES: readonly (readonly [start: string, line: number])[] = [
  ['Please remove unsupported', 2661],
  ['Please remove %pA', 2466],
  ['field width', 2693],
  ['precision', 2702],
  ['', 2743],
];

/** Formatting with everything a booted kernel knows. */
export function kernelContext(k: LinuxKernel): FormatContext {
  const warned = new Set<string>();
  return {
    space: k.space,
    struct: (name) => k.struct(name),
    option: (name) => k.target.config.get(name),
    enumerator(name) {
      try {
        return k.enumValue(name);
      } catch {
        return undefined;
      }
    },
    symbol: (address, style) => symbolText(k, address, style),
    hashPointer: (address) => siphashWords([address], POINTER_KEY) & 0xffff_ffffn,
    warnOnce(message) {
      if (warned.has(message)) return;
      warned.add(message);
      warn(
        k,
        message,
        `lib/vsprintf.c:${LINES.find(([start]) => message.startsWith(start))?.[1] ?? 0}`,
        'vsnprintf',
      );
    },
  };
}

/** %pS, %ps, %pB: a return address belongs to the instruction before it. */
function symbolText(k: LinuxKernel, address: bigint, style: SymbolStyle): string {
  const ptr = k.space.fromAddress(address);
  const symbol = isCode(ptr) ? symbolAt(k, style === 'B' ? ptr - 1 : ptr) : undefined;
  if (!symbol) return `0x${address.toString(16)}`;
  const module = symbol.module === undefined ? '' : ` [${symbol.module}]`;
  if (style === 's') return symbol.name + module;
  const offset = symbol.offset + (style === 'B' ? 1 : 0);
  return `${symbol.name}+0x${offset.toString(16)}/0x${symbol.size.toString(16)}${module}`;
}

function isCode(ptr: Ptr): boolean {
  return [IMAGE, MODULES].some(({ start, size }) => ptr >= start && ptr < start + size);
}
