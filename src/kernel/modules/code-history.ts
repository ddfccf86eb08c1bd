import type { Ptr } from '../../cpu/layout.js';

export interface AddressedSymbol {
  readonly name: string;
  readonly address: Ptr;
}

/** A module as it was while it was there. */
export interface ModuleImage {
  readonly name: string;
  readonly ranges: readonly { readonly base: Ptr; readonly size: number }[];
  readonly symbols: readonly AddressedSymbol[];
  /** Allocations of the module have serials from here on. */
  readonly mark: number;
}

/** What is said of code that is there now. */
export interface LiveCode {
  moduleAt(address: Ptr): string | undefined;
  symbolize(address: Ptr): string;
}

interface Remembered extends ModuleImage {
  gone: boolean;
}

/** Modules that are gone and are still remembered: what somebody left longer ago is named by its address. */
const REMEMBERED = 512;

/** Remembers where modules were, so that what they did can be named after their memory is gone. */
export class CodeHistory {
  private readonly records: Remembered[] = [];

  constructor(private readonly live: LiveCode) {}

  /** A module is in memory from now on. */
  remember(image: ModuleImage): void {
    this.records.push({ ...image, gone: false });
  }

  /** The memory of the module of that name goes. */
  forget(name: string): void {
    for (const record of this.records) if (record.name === name) record.gone = true;
    const gone = this.records.filter((record) => record.gone);
    for (const record of gone.slice(0, Math.max(0, gone.length - REMEMBERED)))
      this.records.splice(this.records.indexOf(record), 1);
  }

  /** Whether code at an address was of the module of that name and mark when allocation number `serial` was made. */
  wasIn({ name, mark }: Pick<ModuleImage, 'name' | 'mark'>, address: Ptr, serial: number): boolean {
    const record = this.find(address, serial);
    return record !== undefined && record.name === name && record.mark === mark;
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
    if (!record || (!record.gone && this.live.moduleAt(address) === record.name))
      return this.live.symbolize(address);
    let best = -1;
    record.symbols.forEach((symbol, i) => {
      if (symbol.address <= address && (best < 0 || symbol.address > record.symbols[best].address)) best = i;
    });
    const symbol = record.symbols[best];
    if (!symbol) return this.live.symbolize(address);
    const next = record.symbols.find((other) => other.address > symbol.address)?.address ?? address;
    const place = `0x${(address - symbol.address).toString(16)}/0x${(next - symbol.address).toString(16)}`;
    return `${symbol.name}+${place} [${record.name}]`;
  }

  /** The newest record that has the address: memory of modules is used again. */
  private find(address: Ptr, serial: number): Remembered | undefined {
    for (let i = this.records.length - 1; i >= 0; i--) {
      const record = this.records[i];
      if (record.mark > serial) continue;
      if (record.ranges.some(({ base, size }) => address >= base && address < base + size)) return record;
    }
    return undefined;
  }
}
