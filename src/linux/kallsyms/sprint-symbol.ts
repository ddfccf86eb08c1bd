import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { symbolAt, symbolize } from './symbolize.js';

/** Addresses in words, for who prints them (kernel/kallsyms.c). */
export class SymbolNames implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    sprint_symbol: (buffer: Ptr, address: Ptr) => this.print(buffer, symbolize(this.k, address)),
    sprint_symbol_no_offset: (buffer: Ptr, address: Ptr) => this.print(buffer, this.nameOf(address)),
  };

  readonly signatures = { sprint_symbol: 'i:pp', sprint_symbol_no_offset: 'i:pp' };

  private print(buffer: Ptr, text: string): number {
    this.k.space.storeCstring(buffer, text);
    return text.length;
  }

  private nameOf(address: Ptr): string {
    const symbol = symbolAt(this.k, address);
    if (!symbol) return symbolize(this.k, address);
    return symbol.module === undefined ? symbol.name : `${symbol.name} [${symbol.module}]`;
  }
}
