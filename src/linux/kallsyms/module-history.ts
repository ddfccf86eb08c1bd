import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import type { LoadedModule } from './loaded-module.js';
import { Modules } from './modules.js';
import { symbolAt, symbolize } from './symbolize.js';

type Symbols = ReturnType<LoadedModule['symbolList']>;

interface Archived {
  readonly name: string;
  readonly ranges: readonly { readonly base: Ptr; readonly size: number }[];
  readonly symbols: Symbols;
  /** Allocations of the module have serials from here on. */
  readonly mark: number;
  gone: boolean;
}

/** Modules that are gone and are still remembered: what somebody left longer ago is named by its address. */
const REMEMBERED = 512;

/** Remembers where modules and their init code were, so that what they did can be named after that memory is gone. */
export class ModuleHistory implements Subsystem {
  readonly exports = {};
  private readonly records: Archived[] = [];

  constructor(private readonly k: LinuxKernel) {}

  boot(): void {
    this.k.get(Modules).listen({
      published: (module) => this.remember(module),
      removed: (module) => this.forget(module),
    });
  }

  /** Whether code at an address was the module's, its init code included, when allocation number `serial` was made. */
  wasIn(module: LoadedModule, address: Ptr, serial: number): boolean {
    const record = this.find(address, serial);
    return record !== undefined && record.name === module.name && record.mark === module.ledgerMark;
  }

  /** The module whose code was at an address then, whether it is still there or not. */
  moduleName(address: Ptr, serial: number): string | undefined {
    return this.find(address, serial)?.name;
  }

  /** The unloaded module that code at an address belonged to when allocation number `serial` was made. */
  goneOwner(address: Ptr, serial: number): string | undefined {
    const record = this.find(address, serial);
    return record?.gone ? record.name : undefined;
  }

  /** `name+0x12/0x40 [module]`, also for modules that are gone. */
  symbolize(address: Ptr, serial = Number.POSITIVE_INFINITY): string {
    const record = this.find(address, serial);
    // Another module may be there by now, also where the init code of one that is still loaded was.
    const now = symbolAt(this.k, address);
    if (!record || (!record.gone && now?.module === record.name)) return symbolize(this.k, address);
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

  private forget(module: LoadedModule): void {
    for (const record of this.records) if (record.name === module.name) record.gone = true;
    const gone = this.records.filter((record) => record.gone);
    for (const record of gone.slice(0, Math.max(0, gone.length - REMEMBERED)))
      this.records.splice(this.records.indexOf(record), 1);
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
