import { STB_WEAK } from '../../formats/elf/constants.js';
import type { ElfView } from './elf-view.js';
import { NameTable } from './name-table.js';
import type { SymbolTable } from './symbol-table.js';
import type { SymbolCrc, VersionTable } from './versions.js';

/** A symbol that the module needs from elsewhere. */
export interface DependencySymbol extends SymbolCrc {
  readonly bind: 'undefined' | 'weak';
}

const EM_SPARC = 2;
const EM_SPARCV9 = 43;
const STT_SPARC_REGISTER = 13;

/**
 * Undefined symbols in the order of the symbol table, with the CRCs of `__versions` (0 where it has none), then what
 * only `__versions` names (unless `withRest` is false): module_layout, which no code refers to.
 */
export function dependencySymbols(
  elf: ElfView,
  symbols: SymbolTable,
  versions: VersionTable | undefined,
  withRest = true,
): DependencySymbol[] {
  const found: DependencySymbol[] = [];
  const wanted = new Wanted(elf, versions);
  const isSparc = elf.machine === EM_SPARC || elf.machine === EM_SPARCV9;
  for (let index = 1; index < symbols.count; index++) {
    if (symbols.section(index) !== 0) continue;
    // A global register that assembly declared is not undefined, though it looks so.
    if (isSparc && symbols.type(index) === STT_SPARC_REGISTER) continue;
    const name = symbols.nameOffset(index);
    if (name < 0) elf.fail(symbols.at(index), `the name of symbol ${index} is outside .strtab`);
    if (elf.bytes[name] === 0) continue;
    found.push({
      name: elf.nameText(name),
      bind: symbols.binding(index) === STB_WEAK ? 'weak' : 'undefined',
      crc: wanted.crcOf(name),
    });
  }
  if (withRest) wanted.addRest(found);
  return found;
}

/** `__versions` by name, and which of it was asked for. */
class Wanted {
  private readonly table: NameTable | undefined;
  private readonly asked: Uint8Array;
  private readonly nameOf = (index: number): number => this.versions?.nameOffset(index) ?? 0;

  constructor(
    private readonly elf: ElfView,
    private readonly versions: VersionTable | undefined,
  ) {
    this.asked = new Uint8Array(versions?.count ?? 0);
    if (!versions) return;
    this.table = new NameTable(elf.bytes, versions.count);
    for (let i = 0; i < versions.count; i++)
      if (versions.nameEnds(i)) this.table.add(versions.nameOffset(i), i, this.nameOf);
  }

  /** 0 where the name at an offset of the file is not in `__versions`. */
  crcOf(name: number): bigint {
    const index = this.table?.find(name, this.nameOf) ?? -1;
    if (!this.versions || index < 0) return 0n;
    this.asked[index] = 1;
    return this.versions.crc(index);
  }

  addRest(found: DependencySymbol[]): void {
    const { elf, versions, asked } = this;
    if (!versions) return;
    for (let i = 0; i < versions.count; i++) {
      if (asked[i] !== 0) continue;
      const at = versions.nameOffset(i);
      if (!versions.nameEnds(i)) elf.fail(at, `the name of __versions entry ${i} has no end`);
      found.push({ name: elf.nameText(at), bind: 'undefined', crc: versions.crc(i) });
    }
  }
}
