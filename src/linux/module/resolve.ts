import {
  type ElfSymbol,
  SHN_ABS,
  SHN_COMMON,
  SHN_LIVEPATCH,
  SHN_UNDEF,
  STB_WEAK,
} from '../../formats/elf/index.js';
import { LOGLEVEL_ERR, LOGLEVEL_WARNING } from '../../kernel/log.js';
import { EINVAL, ENOENT, ENOEXEC } from '../errno.js';
import type { LoadedModule, ModuleExport } from '../kallsyms/loaded-module.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import type { LoadFlags } from './force.js';
import { LoadError } from './load-error.js';
import { mayUseNamespace } from './namespaces.js';
import { invalidIndex, isIgnoredSymbol, isOfLinkTime } from './odd-symbols.js';
import { type SymbolValue, symbolValue } from './relocate.js';
import { VersionCheck } from './versions.js';

/** A symbol found among the exports of the kernel or of a loaded module. */
interface Found {
  readonly value: SymbolValue;
  readonly crc: number | undefined;
  readonly gplOnly: boolean;
  readonly namespace: string;
  readonly owner: LoadedModule | undefined;
}

/** Binds a module's undefined symbols to exports (simplify_symbols and resolve_symbol of kernel/module/main.c). */
export class Resolver {
  private readonly versions: VersionCheck;
  private usesGplOnly = false;

  constructor(
    private readonly k: LinuxKernel,
    private readonly module: LoadedModule,
    flags: LoadFlags,
  ) {
    this.versions = new VersionCheck(k, module, flags);
  }

  /** Checks the version of struct module itself (check_modstruct_version). */
  checkModuleLayout(): void {
    const crc = this.k.target.exports.get('module_layout')?.crc;
    if (crc !== undefined && !this.versions.matches('module_layout', crc))
      throw new LoadError(ENOEXEC, `${this.module.name} was built for another layout of struct module`);
  }

  /** The value of every symbol of the file. Throws LoadError where one has none, with the errno of the last. */
  values(addressOf: (symbol: ElfSymbol) => SymbolValue): (SymbolValue | undefined)[] {
    const { elf, name } = this.module;
    // Every symbol that cannot be bound is logged; the last one decides the errno.
    let failure: LoadError | undefined;
    const values = elf.symbols().map((symbol) => {
      switch (symbol.shndx) {
        case SHN_UNDEF:
          try {
            return symbol.index === 0 ? 0 : this.undefinedSymbol(symbol);
          } catch (error) {
            if (!(error instanceof LoadError)) throw error;
            failure = error;
            return undefined;
          }
        case SHN_LIVEPATCH:
        case SHN_ABS:
          return Number(BigInt.asIntN(64, symbol.value));
        case SHN_COMMON:
          if (isOfLinkTime(symbol.name)) return Number(symbol.value);
          this.k.log.line(`${name}: please compile with -fno-common`, LOGLEVEL_WARNING);
          failure = new LoadError(ENOEXEC, `${symbol.name} is a common symbol`);
          return undefined;
        default:
          if (symbol.shndx < elf.sections.length) return addressOf(symbol);
          failure = this.noSection(symbol);
          return undefined;
      }
    });
    if (failure) throw failure;
    return values;
  }

  /** find_symbol() leaves out what is for GPL-compatible modules only where the module is a proprietary one by now. */
  private get gplOk(): boolean {
    return !this.module.taint.has('PROPRIETARY_MODULE');
  }

  private noSection(symbol: ElfSymbol): LoadError {
    const { k, module } = this;
    const text = `${module.name}: ${invalidIndex(symbol, module.elf)}`;
    k.log.line(text, LOGLEVEL_ERR);
    return new LoadError(ENOEXEC, text);
  }

  private undefinedSymbol(symbol: ElfSymbol): SymbolValue {
    const found = this.find(symbol.name);
    if (!found) {
      if (symbol.bind === STB_WEAK || isIgnoredSymbol(symbol.name)) return 0;
      throw this.unknown(symbol.name, ENOENT);
    }
    if (found.gplOnly) this.usesGplOnly = true;
    if (!this.inheritsTaint(symbol.name, found.owner)) throw this.unknown(symbol.name, ENOENT);
    if (found.crc !== undefined && !this.versions.matches(symbol.name, found.crc))
      throw this.unknown(symbol.name, EINVAL);
    this.checkNamespace(symbol.name, found);
    if (found.owner && !this.module.uses.has(found.owner)) {
      if (found.owner.state !== 'Live') {
        this.k.log.line(
          `${this.module.name}: gave up waiting for init of module ${found.owner.name}.`,
          LOGLEVEL_WARNING,
        );
        throw this.unknown(symbol.name, 16);
      }
      this.module.uses.add(found.owner);
    }
    return found.value;
  }

  /** inherit_taint(): who uses a proprietary module's symbols is proprietary, and must not use GPL-only ones. */
  private inheritsTaint(symbol: string, owner: LoadedModule | undefined): boolean {
    const { k, module } = this;
    if (!owner?.taint.has('PROPRIETARY_MODULE')) return true;
    if (this.usesGplOnly) {
      const text = `${module.name}: module using GPL-only symbols uses symbols ${symbol} from proprietary module ${owner.name}.`;
      k.log.line(text, LOGLEVEL_ERR);
      return false;
    }
    if (!module.taint.has('PROPRIETARY_MODULE')) {
      const text = `${module.name}: module uses symbols ${symbol} from proprietary module ${owner.name}, inheriting taint.`;
      k.log.line(text, LOGLEVEL_WARNING);
      module.taint.add('PROPRIETARY_MODULE');
    }
    return true;
  }

  private find(name: string): Found | undefined {
    const { k } = this;
    const own = k.target.exports.get(name);
    if (own) {
      if (own.gplOnly && !this.gplOk) return undefined;
      const ptr = own.kind === 'function' ? k.fn(name) : k.exportedVariable(name);
      return {
        value: symbolValue(ptr),
        crc: own.crc,
        gplOnly: own.gplOnly,
        namespace: own.namespace,
        owner: undefined,
      };
    }
    for (const owner of k.get(Modules).list()) {
      if (owner === this.module) continue;
      const exported: ModuleExport | undefined = owner.exports.get(name);
      if (!exported || (exported.gplOnly && !this.gplOk)) continue;
      return { value: symbolValue(exported.address), ...exported, owner };
    }
    return undefined;
  }

  private checkNamespace(name: string, found: Found): void {
    if (mayUseNamespace(this.module, found.namespace)) return;
    this.k.log.line(
      `${this.module.name}: module uses symbol (${name}) from namespace ${found.namespace}, but does not import it.`,
      LOGLEVEL_ERR,
    );
    throw this.unknown(name, EINVAL);
  }

  private unknown(name: string, errno: number): LoadError {
    this.k.log.line(`${this.module.name}: Unknown symbol ${name} (err -${errno})`, LOGLEVEL_WARNING);
    return new LoadError(errno, `${this.module.name}: unknown symbol ${name}`);
  }
}
