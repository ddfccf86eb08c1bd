import {
  type ElfFile,
  type ElfSymbol,
  type Section,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_UNDEF,
  SHT_NOBITS,
} from '../../formats/elf/index.js';
import { ENOEXEC } from '../errno.js';
import { LoadError } from './load-error.js';

const PAGE = 4096;
const SYMBOL_BYTES = 24;
/** struct mod_kallsyms: four words, kept at the end of the init part. */
const MOD_KALLSYMS_BYTES = 32;

/** Protection of a part once the module is live. */
export type PartKind = 'text' | 'rodata' | 'ro-after-init' | 'data';

/** A stretch of one kind inside the core or init memory. */
interface LayoutPart {
  readonly kind: PartKind;
  /** Offset in its memory. */
  readonly start: number;
  readonly end: number;
}

/** Core or init memory of a module: one allocation, or (from 6.4 on) one for each kind. */
export interface LayoutMemory {
  readonly init: boolean;
  readonly size: number;
  readonly parts: readonly LayoutPart[];
}

interface SectionPlace {
  /** Index into `memories`. */
  readonly memory: number;
  readonly offset: number;
}

export interface ModuleLayout {
  readonly memories: readonly LayoutMemory[];
  readonly places: ReadonlyMap<number, SectionPlace>;
  /** Section of per-CPU data, which is allocated elsewhere. */
  readonly percpu: Section | undefined;
}

type Group = {
  readonly kind: PartKind;
  readonly has: number;
  readonly hasNot: number;
  readonly roAfterInit: boolean;
};

/** Order in which kinds of sections are laid out (layout_sections in kernel/module/main.c). */
const GROUPS: readonly Group[] = [
  { kind: 'text', has: SHF_EXECINSTR | SHF_ALLOC, hasNot: 0, roAfterInit: false },
  { kind: 'rodata', has: SHF_ALLOC, hasNot: SHF_WRITE, roAfterInit: false },
  { kind: 'ro-after-init', has: SHF_ALLOC, hasNot: 0, roAfterInit: true },
  { kind: 'data', has: SHF_WRITE | SHF_ALLOC, hasNot: 0, roAfterInit: false },
  { kind: 'data', has: SHF_ALLOC, hasNot: 0, roAfterInit: false },
];

/**
 * Odd alignments can put a section where there is no memory: the kernel copies all the same, modbox refuses. `called` is the
 * module's name. Throws LoadError (ENOEXEC).
 */
export function refuseOutside(elf: ElfFile, layout: ModuleLayout, called: string): void {
  for (const [index, { memory, offset }] of [...layout.places].sort(([a], [b]) => a - b)) {
    const { type, data, name } = elf.sections[index];
    if (type !== SHT_NOBITS && offset + data.length > layout.memories[memory].size)
      throw new LoadError(ENOEXEC, `${called}: section ${name} lies outside of its memory`);
  }
}

/** Symbols of a module that are there for kallsyms after its init: by CONFIG_KALLSYMS_ALL, by CONFIG_KALLSYMS alone, by neither. */
export type CoreSymbols = 'all' | 'functions' | 'none';

const RO_AFTER_INIT_SECTIONS = new Set(['.data..ro_after_init', '__jump_table']);
/** Read at load only: never copied to module memory. */
const TRANSIENT_SECTIONS = ['.modinfo', '__versions', '__version_ext_crcs', '__version_ext_names'];

/**
 * ALIGN() on the kernel's unsigned int: what is no power of two, or too large for 32 bits, gives what that arithmetic gives
 * and not an error.
 */
function align(value: number, to: number): number {
  const mask = (to >>> 0) - 1;
  return ((value + mask) & ~mask) >>> 0;
}
const isInit = (section: Section): boolean => section.name.startsWith('.init');

/** Sizes of the tables that kallsyms keeps behind a module's sections. */
interface SymbolTables {
  readonly alignment: number;
  readonly coreSymbols: number;
  readonly coreStrings: number;
  readonly symbols: number;
  readonly strings: number;
  readonly stringsAlignment: number;
}

/**
 * Lays a module out in memory as the kernel does, so that its sizes are the real ones. `separate` is the
 * scheme from 6.4 on, where every kind of memory is an allocation of its own (struct module_memory); `kept` are the symbols that stay.
 */
export function layoutModule(elf: ElfFile, separate: boolean, kept: CoreSymbols = 'all'): ModuleLayout {
  const percpu = elf.sections.find(
    (section) => section.name === '.data..percpu' && section.flags & SHF_ALLOC,
  );
  const transient = new Set(TRANSIENT_SECTIONS.map((name) => elf.allocatedSection(name)));
  const wanted = elf.sections.filter((section) => section.flags & SHF_ALLOC && !transient.has(section));
  const tables = kept === 'none' ? undefined : measureSymbols(elf, { percpu, loaded: new Set(wanted), kept });
  const places = new Map<number, SectionPlace>();
  const memories: LayoutMemory[] = [];
  for (const init of [false, true]) {
    const sections = wanted.filter((section) => section !== percpu && isInit(section) === init);
    if (separate) memories.push(...separateMemories(sections, init, tables, memories.length, places));
    else memories.push(contiguousMemory(sections, init, tables, memories.length, places));
  }
  return { memories, places, percpu };
}

function contiguousMemory(
  sections: readonly Section[],
  init: boolean,
  tables: SymbolTables | undefined,
  memory: number,
  places: Map<number, SectionPlace>,
): LayoutMemory {
  let size = 0;
  const parts: LayoutPart[] = [];
  for (const [number, group] of GROUPS.entries()) {
    const start = size;
    size = placeGroup(sections, group, size, memory, places);
    if (number !== 3) size = align(size, PAGE);
    parts.push({ kind: group.kind, start, end: size });
  }
  const start = size;
  size = align(init ? initTables(size, tables) : coreTables(size, tables), PAGE);
  parts.push({ kind: 'data', start, end: size });
  return { init, size, parts };
}

function separateMemories(
  sections: readonly Section[],
  init: boolean,
  tables: SymbolTables | undefined,
  firstMemory: number,
  places: Map<number, SectionPlace>,
): LayoutMemory[] {
  const sizes = new Map<PartKind, number>([
    ['text', 0],
    ['data', 0],
    ['rodata', 0],
    ['ro-after-init', 0],
  ]);
  const kinds = [...sizes.keys()];
  for (const group of GROUPS) {
    // The kernel has no "read-only after init" memory for init sections: they are data there.
    const kind = init && group.kind === 'ro-after-init' ? 'data' : group.kind;
    const memory = firstMemory + kinds.indexOf(kind);
    sizes.set(kind, placeGroup(sections, group, sizes.get(kind)!, memory, places));
  }
  const data = sizes.get('data')!;
  sizes.set('data', init ? initTables(data, tables) : coreTables(data, tables));
  return kinds.map((kind) => {
    const size = align(sizes.get(kind)!, PAGE);
    return { init, size, parts: [{ kind, start: 0, end: size }] };
  });
}

function placeGroup(
  sections: readonly Section[],
  group: Group,
  from: number,
  memory: number,
  places: Map<number, SectionPlace>,
): number {
  let size = from;
  for (const section of sections) {
    if (places.has(section.index)) continue;
    if ((section.flags & group.has) !== group.has || section.flags & group.hasNot) continue;
    if (group.roAfterInit && !RO_AFTER_INIT_SECTIONS.has(section.name)) continue;
    const offset = align(size, section.addralign || 1);
    places.set(section.index, { memory, offset });
    size = (offset + section.size) >>> 0;
  }
  return size;
}

/** Core part: the symbols that stay (layout_symtab): table, strings, one type letter each. */
function coreTables(size: number, tables: SymbolTables | undefined): number {
  if (!tables) return size;
  return align(size, tables.alignment) + tables.coreSymbols * (SYMBOL_BYTES + 1) + tables.coreStrings;
}

/** Init part: the whole symbol and string table, struct mod_kallsyms, one type letter each. */
function initTables(size: number, tables: SymbolTables | undefined): number {
  if (!tables) return size;
  const symbolsEnd = align(size, tables.alignment) + tables.symbols * SYMBOL_BYTES;
  const stringsEnd = align(symbolsEnd, tables.stringsAlignment) + tables.strings;
  return align(stringsEnd, 8) + MOD_KALLSYMS_BYTES + tables.symbols;
}

/** What decides which symbols stay. */
interface Keeping {
  readonly percpu: Section | undefined;
  readonly loaded: ReadonlySet<Section>;
  readonly kept: CoreSymbols;
}

function measureSymbols(elf: ElfFile, keeping: Keeping): SymbolTables {
  const symbols = elf.symbols();
  const table = elf.sections.find((section) => section.type === 2);
  const strings = table && elf.sections[table.link];
  let coreSymbols = 0;
  let coreStrings = 0;
  for (const symbol of symbols) {
    if (symbol.index !== 0 && !staysInCore(elf, symbol, keeping)) continue;
    coreSymbols++;
    coreStrings += byteLength(symbol.name) + 1;
  }
  return {
    alignment: table?.addralign || 1,
    coreSymbols,
    coreStrings,
    symbols: symbols.length,
    strings: strings?.size ?? 0,
    stringsAlignment: strings?.addralign || 1,
  };
}

/** is_core_symbol(): every named symbol of a section that outlives init, or of code that does. */
function staysInCore(elf: ElfFile, symbol: ElfSymbol, { percpu, loaded, kept }: Keeping): boolean {
  if (symbol.shndx === SHN_UNDEF || symbol.shndx >= elf.sections.length || symbol.name === '') return false;
  const section = elf.sections[symbol.shndx];
  if (kept === 'functions' && !(section.flags & SHF_EXECINSTR)) return false;
  if (section === percpu) return true;
  return loaded.has(section) && !isInit(section);
}

function byteLength(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) length += text.charCodeAt(i) < 0x80 ? 1 : 2;
  return length;
}
