import type { Ptr } from '../cpu/layout.js';
import type { LinuxKernel } from '../linux/kernel.js';
import type { LoadedModule } from '../linux/module/loaded-module.js';
import { Modules } from '../linux/module/modules.js';
import { symbolAt, symbolize } from '../linux/traps/symbolize.js';

type Symbols = ReturnType<LoadedModule['symbolList']>;

interface Archived {
  readonly name: string;
  readonly ranges: readonly { readonly base: Ptr; readonly size: number }[];
  readonly symbols: Symbols;
  /** Allocations of the module have serials from here on. */
  readonly mark: number;
  gone: boolean;
}

/** Remembers where modules were, so that what they left behind can be named after they are gone. */
export class ModuleArchive {
  private readonly records: Archived[] = [];

  constructor(private readonly k: LinuxKernel) {
    k.get(Modules).listen({
      published: (module) => this.remember(module),
      removed: (module) => {
        for (const record of this.records) if (record.name === module.name) record.gone = true;
      },
    });
  }

  /** The unloaded module that code at an address belonged to when allocation number `serial` was made. */
  goneOwner(address: Ptr, serial: number): string | undefined {
    const record = this.find(address, serial);
    return record?.gone ? record.name : undefined;
  }

  /** `name+0x12/0x40 [module]`, also for modules that are gone. */
  symbolize(address: Ptr, serial = Number.POSITIVE_INFINITY): string {
    const record = this.find(address, serial);
    // Another module may be there by now.
    if (!record || (!record.gone && symbolAt(this.k, address))) return symbolize(this.k, address);
    let best = -1;
    record.symbols.forEach((symbol, i) => {
      if (symbol.address <= address && (best < 0 || symbol.address > record.symbols[best].address)) best = i;
    });
    const symbol = record.symbols[best];
    if (!symbol) return symbolize(this.k, address);
    const next = record.symbols.find((other) => other.address > symbol.address)?.address ?? address;
    const place = `0x${(address - symbol.address).toString(16)}/0x${(next - symbol.address).toString(16)}`;
    return `${symbol.name}+${place} [${record.name}]`;
  }

  private remember(module: LoadedModule): void {
    this.records.push({
      name: module.name,
      ranges: [...module.memory],
      symbols: module.symbolList(),
      mark: module.ledgerMark,
      gone: false,
    });
  }

  /** The newest record that has the address: memory of modules is used again. */
  private find(address: Ptr, serial: number): Archived | undefined {
    for (let i = this.records.length - 1; i >= 0; i--) {
      const record = this.records[i];
      if (record.mark > serial) continue;
      if (record.ranges.some(({ base, size }) => address >= base && address < base + size)) return record;
    }
    return undefined;
  }
}
