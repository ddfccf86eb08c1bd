import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { IMAGE, MODULES } from '../memory-map.js';
import { Modules } from './modules.js';

export interface SymbolAt {
  readonly name: string;
  readonly offset: number;
  /** 0 where it is not known. */
  readonly size: number;
  /** Module the symbol is in; undefined for the kernel's own. */
  readonly module: string | undefined;
}

/** The symbol that contains an address, of a loaded module or of the kernel (kallsyms_lookup). */
export function symbolAt(k: LinuxKernel, address: Ptr): SymbolAt | undefined {
  if (address >= MODULES.start && address < MODULES.start + MODULES.size)
    return k.get(Modules).symbolAt(address);
  if (address < IMAGE.start || address >= IMAGE.start + IMAGE.size) return undefined;
  const own = k.exports.nameAt(address);
  if (own !== undefined) {
    const size = k.target.symbols.lookup(own)?.size ?? 0;
    return { name: own, offset: 0, size, module: undefined };
  }
  const virtual = k.space.toAddress(address);
  const symbol = k.target.symbols.nearest(virtual);
  if (!symbol) return undefined;
  return {
    name: symbol.name,
    offset: Number(virtual - symbol.address),
    size: symbol.size,
    module: undefined,
  };
}

/** `name+0x12/0x40 [module]`, as %pS prints it; the bare address where no symbol contains it. */
export function symbolize(k: LinuxKernel, address: Ptr): string {
  const symbol = symbolAt(k, address);
  if (!symbol) return `0x${k.space.toAddress(address).toString(16)}`;
  const place = `${symbol.name}+0x${symbol.offset.toString(16)}/0x${symbol.size.toString(16)}`;
  return symbol.module === undefined ? place : `${place} [${symbol.module}]`;
}
