import { PAGE_KERNEL_RO, PAGE_KERNEL_ROX } from '../../cpu/address-space.js';
import { PAGE_SIZE, type Ptr, pageAlign } from '../../cpu/layout.js';
import {
  EM_X86_64,
  ET_REL,
  R_X86_64_NONE,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHN_ABS,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_X86_64_UNWIND,
  STB_LOCAL,
  STB_WEAK,
  STT_FILE,
  STT_FUNC,
  STT_GNU_IFUNC,
  STT_SECTION,
} from '../../formats/elf/constants.js';
import { ElfFile } from '../../formats/elf/elf-file.js';
import type { Section } from '../../formats/elf/section.js';
import type { ElfSymbol } from '../../formats/elf/symbol.js';
import { FormatError } from '../../formats/format-error.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOENT, ENOEXEC, ENOMEM, ENOSPC, ENOSYS } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import { applyRelocation, isKnownRelocation, widthOf } from './elf-reloc.js';
import type { FileSymbol, LinkerFile, Progent } from './linker-file.js';
import { LinkerSets } from './linker-sets.js';

const EI_CLASS = 4;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const EV_CURRENT = 1;

/** Why a file was not linked: an error number. The message buffer has the rest. */
export class LinkError extends Error {
  override readonly name = 'LinkError';

  constructor(readonly errno: number) {
    super(`link_elf_obj: error ${errno}`);
  }
}

interface Loading {
  readonly elf: ElfFile;
  readonly file: LinkerFile;
  /** By symbol: its address as 64 bits; undefined for what is not defined in the file. */
  readonly values: (bigint | undefined)[];
}

/** How symbols that a file does not define are found: the linker's own files, by its dependencies. */
export type Lookup = (file: LinkerFile, name: string, isWeak: boolean) => Ptr | undefined;

/** Loads relocatable objects, as amd64's modules are (sys/kern/link_elf_obj.c). */
export class LinkElfObj {
  constructor(
    private readonly k: FreebsdKernel,
    private readonly path: string,
  ) {}

  /** Reads headers and sections into memory and applies relocations that concern the file alone. Throws LinkError. */
  load(bytes: Uint8Array, make: (address: Ptr, size: number, mapped: number) => LinkerFile): Loading {
    const elf = this.open(bytes);
    const parts = elf.sections.filter((section) => section.size > 0 && this.isLoaded(section));
    this.demand(elf, parts);
    let size = 0;
    for (const { addralign, size: bytesOf } of parts) size = aligned(size, addralign) + bytesOf;
    const places = layOut(parts);
    const address = this.k.moduleMemory.allocate(places.size, 'module');
    if (address === 0) throw new LinkError(ENOMEM);
    const file = make(address, size, places.size);
    file.sections = this.place(parts, places.offsets, address);
    const values = this.symbolValues(elf, file.sections);
    file.symbols = symbolList(this.k, elf, file.sections, values);
    const loading = { elf, file, values };
    this.fixLinkSets(loading);
    this.relocate(loading, ({ bind, type }) => bind === STB_LOCAL && type !== STT_GNU_IFUNC);
    return loading;
  }

  private open(bytes: Uint8Array): ElfFile {
    if (bytes.length < 64 || !isElf(bytes)) throw new LinkError(ENOEXEC);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes[EI_CLASS] !== ELFCLASS64 || bytes[EI_CLASS + 1] !== ELFDATA2LSB)
      this.refuse('Unsupported file layout');
    if (bytes[EI_CLASS + 2] !== EV_CURRENT || view.getUint32(20, true) !== EV_CURRENT)
      this.refuse('Unsupported file version');
    if (view.getUint16(16, true) !== ET_REL) throw new LinkError(ENOSYS);
    if (view.getUint16(18, true) !== EM_X86_64) this.refuse('Unsupported machine');
    try {
      return new ElfFile(bytes, this.path);
    } catch (error) {
      return this.malformed(error);
    }
  }

  /** What the kernel would read beyond the end of is refused here, with the reason. */
  private malformed(error: unknown): never {
    if (!(error instanceof FormatError)) throw error;
    this.k.get(SubrPrf).line(`modbox: ${error.message}`);
    throw new LinkError(ENOEXEC);
  }

  private demand(elf: ElfFile, parts: readonly Section[]): void {
    if (parts.length === 0) this.refuse('file has no contents');
    const tables = elf.sections.filter(({ type, size }) => type === SHT_SYMTAB && size > 0);
    if (tables.length !== 1) this.refuse('file must have exactly one symbol table');
    if (elf.sections[tables[0].link]?.type !== SHT_STRTAB) this.refuse('file has invalid symbol strings');
  }

  /** link_elf_error(). */
  private refuse(text: string): never {
    this.k.get(SubrPrf).line(`kldload: ${this.path}: ${text}`);
    throw new LinkError(ENOEXEC);
  }

  private isLoaded({ type, flags }: Section): boolean {
    const kinds: readonly number[] = [SHT_PROGBITS, SHT_NOBITS, SHT_X86_64_UNWIND];
    return (flags & SHF_ALLOC) !== 0 && kinds.includes(type);
  }

  /** Virtualised network and per-CPU variables get room of the kernel's; everything else lies together. */
  private place(parts: readonly Section[], offsets: readonly number[], address: Ptr): Progent[] {
    const { k } = this;
    const sets = k.get(LinkerSets);
    return parts.map(({ name, size, flags, index, type, data }, i) => {
      const at = address + offsets[i];
      const set = name === 'set_pcpu' ? sets.pcpu : name === 'set_vnet' ? sets.vnet : undefined;
      const where = set ? set.allocate(size) : at;
      if (where === undefined) {
        const what = name === 'set_pcpu' ? 'pcpu' : 'vnet';
        k.get(SubrPrf).line(
          `link_elf_load_file: ${what} module space is out of space; cannot allocate 0x${size.toString(16)} for ${this.path}`,
        );
        throw new LinkError(ENOSPC);
      }
      if (type === SHT_NOBITS) k.space.bytes.fill(0, where, where + size);
      else k.space.bytes.set(data, where);
      set?.copy(where, size);
      return { name, address: where, size, flags, section: index };
    });
  }

  private symbolValues(elf: ElfFile, sections: readonly Progent[]): (bigint | undefined)[] {
    const bySection = new Map(sections.map((one) => [one.section, one]));
    return this.symbolsOf(elf).map(({ shndx, value }) => {
      if (shndx === SHN_UNDEF) return undefined;
      if (shndx === SHN_ABS) return value;
      const section = bySection.get(shndx);
      return section && this.k.space.toAddress(section.address) + value;
    });
  }

  private symbolsOf(elf: ElfFile): readonly ElfSymbol[] {
    try {
      return elf.symbols();
    } catch (error) {
      return this.malformed(error);
    }
  }

  /** __start_set_NAME and __stop_set_NAME of the file's own sets, which the static linker leaves open in relocatable files. */
  private fixLinkSets({ elf, file, values }: Loading): void {
    for (const { index, name, shndx } of this.symbolsOf(elf)) {
      const match = shndx === SHN_UNDEF && /^__(start|stop)_set_(.*)$/.exec(name);
      const set = match && file.set(match[2]);
      if (set) values[index] = this.k.space.toAddress(match[1] === 'start' ? set.start : set.stop);
    }
  }

  /** Names that relocations refer to and the file does not define. */
  undefinedIn({ elf, file, values }: Loading): readonly string[] {
    const symbols = this.symbolsOf(elf);
    const loaded = new Set(file.sections.map(({ section }) => section));
    const names = new Set<string>();
    for (const section of elf.sections) {
      if (section.type !== SHT_RELA || !loaded.has(section.info)) continue;
      const relocations = this.relocationsOf(elf, section);
      for (let i = 0; i < relocations.length; i++) {
        const { shndx, name, bind } = symbols[relocations.symbol(i)];
        const open = shndx === SHN_UNDEF && name !== '' && bind !== STB_WEAK;
        if (open && values[relocations.symbol(i)] === undefined) names.add(name);
      }
    }
    return [...names];
  }

  /** Relocations that refer to symbols of others, found by `lookup`. Throws LinkError (ENOENT) for what nobody has. */
  *finish(loading: Loading, lookup: Lookup): Sleepable<void> {
    const { file, values } = loading;
    this.relocate(loading, (symbol) => {
      const { bind, name, index, shndx, type } = symbol;
      if (bind === STB_LOCAL || (type === STT_GNU_IFUNC && shndx !== SHN_UNDEF)) return false;
      if (shndx !== SHN_UNDEF || values[index] !== undefined) return true;
      const found = lookup(file, name, bind === STB_WEAK);
      if (found !== undefined) values[index] = this.k.space.toAddress(found);
      else if (bind === STB_WEAK) values[index] = 0n;
      else {
        this.k.get(SubrPrf).line(`link_elf_obj: symbol ${name} undefined`);
        throw new LinkError(ENOENT);
      }
      return true;
    });
    this.protect(file);
    yield* this.resolveIfuncs(loading);
  }

  /** Functions that are chosen at run time: their resolvers are called once all else is linked, and what refers to them gets the answer. */
  private *resolveIfuncs(loading: Loading): Sleepable<void> {
    const { elf, values } = loading;
    const ifuncs = this.symbolsOf(elf).filter(
      ({ type, shndx }) => type === STT_GNU_IFUNC && shndx !== SHN_UNDEF,
    );
    for (const { index } of ifuncs) {
      const resolver = values[index];
      if (resolver === undefined) throw new LinkError(ENOENT);
      const chosen = yield* this.k.callAs('p:', this.k.space.fromAddress(resolver));
      values[index] = this.k.space.toAddress(chosen);
    }
    const wanted = new Set(ifuncs.map(({ index }) => index));
    if (wanted.size > 0) this.relocate(loading, ({ index }) => wanted.has(index));
  }

  private relocate({ elf, file, values }: Loading, wanted: (symbol: ElfSymbol) => boolean): void {
    const { space } = this.k;
    const symbols = this.symbolsOf(elf);
    const bySection = new Map(file.sections.map((one) => [one.section, one]));
    for (const section of elf.sections) {
      const target = section.type === SHT_RELA ? bySection.get(section.info) : undefined;
      if (!target) continue;
      const relocations = this.relocationsOf(elf, section);
      for (let i = 0; i < relocations.length; i++) {
        const type = relocations.type(i);
        const symbol = symbols[relocations.symbol(i)];
        if (type === R_X86_64_NONE || !wanted(symbol)) continue;
        const offset = relocations.offset(i);
        if (!isKnownRelocation(type)) {
          this.k
            .get(SubrPrf)
            .line(`kldload: unexpected relocation type ${type}, symbol index ${symbol.index}`);
          throw new LinkError(ENOEXEC);
        }
        if (offset + widthOf(type) > target.size) throw new LinkError(EINVAL);
        const value = values[symbol.index];
        if (value === undefined) throw new LinkError(ENOENT);
        const at = target.address + offset;
        const place = { view: space.view, at, address: space.toAddress(at) };
        applyRelocation(type, place, value + relocations.addend(i));
      }
    }
    for (const { name, address, size } of file.sections)
      if (name === 'set_pcpu') this.k.get(LinkerSets).pcpu.copy(address, size);
      else if (name === 'set_vnet') this.k.get(LinkerSets).vnet.copy(address, size);
  }

  private relocationsOf(elf: ElfFile, section: Section) {
    try {
      return elf.relocations(section);
    } catch (error) {
      return this.malformed(error);
    }
  }

  /** link_elf_protect(): pages that hold code can be executed, those that hold nothing to be written to cannot be written. */
  private protect(file: LinkerFile): void {
    const { space } = this.k;
    const end = file.address + file.mapped;
    for (let page = file.address; page < end; page += PAGE_SIZE) {
      const flags = file.sections
        .filter(({ address, size }) => address < page + PAGE_SIZE && address + size > page)
        .reduce((all, section) => all | section.flags, 0);
      if (flags & SHF_EXECINSTR) space.protect(page, PAGE_SIZE, PAGE_KERNEL_ROX);
      else if ((flags & SHF_WRITE) === 0) space.protect(page, PAGE_SIZE, PAGE_KERNEL_RO);
    }
  }
}

/**
 * Where sections lie in memory: one after another, as the kernel has them, but code in pages of its own, where the kernel would let a page
 * that code and variables share be both written and executed.
 */
function layOut(parts: readonly Section[]): { readonly offsets: readonly number[]; readonly size: number } {
  const offsets: number[] = [];
  let at = 0;
  let code = false;
  for (const { flags, addralign, size } of parts) {
    const isCode = (flags & SHF_EXECINSTR) !== 0;
    if (isCode !== code) at = pageAlign(at);
    code = isCode;
    at = aligned(at, addralign);
    offsets.push(at);
    at += size;
  }
  return { offsets, size: pageAlign(at) };
}

function aligned(at: number, alignment: number): number {
  const to = Math.max(alignment, 1);
  return Math.ceil(at / to) * to;
}

const isElf = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;

/** Named symbols of code and data, as ddb(4) and dladdr know them. */
function symbolList(
  k: FreebsdKernel,
  elf: ElfFile,
  sections: readonly Progent[],
  values: readonly (bigint | undefined)[],
): FileSymbol[] {
  const placed = new Set(sections.map(({ section }) => section));
  return elf.symbols().flatMap(({ index, name, type, bind, size, shndx }) => {
    const value = values[index];
    if (name === '' || value === undefined || !placed.has(shndx) || type === STT_SECTION || type === STT_FILE)
      return [];
    const address = k.space.fromAddress(value);
    return [{ name, address, size, isFunction: type === STT_FUNC, isGlobal: bind !== STB_LOCAL }];
  });
}
