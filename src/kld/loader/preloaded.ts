import {
  type ElfFile,
  ET_REL,
  SHF_ALLOC,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_REL,
  SHT_RELA,
  SHT_SYMTAB,
  SHT_X86_64_UNWIND,
} from '../../formats/elf/index.js';
import type { KldFile } from '../../formats/kld/index.js';

/** A module of a preloaded file, with its version. */
export interface PreloadedModule {
  readonly name: string;
  readonly version: number;
}

/** What a module needs: struct mod_depend, with its name. */
export interface ModuleNeed {
  readonly name: string;
  readonly minimum: number;
  readonly preferred: number;
  readonly maximum: number;
}

/** What the loader keeps of a file besides its bytes, for the kernel: MODINFOMD_* and a size. */
export interface FileMetadata {
  readonly type: number;
  readonly size: number;
}

/** A file that the loader has put into memory. */
export interface PreloadedFile {
  readonly path: string;
  /** `elf kernel`, `elf obj module`, or what `load -t` was given. */
  readonly type: string;
  readonly address: bigint;
  /** Bytes. */
  readonly size: number;
  args: string;
  /** Newest first, as the loader's list has them. */
  readonly modules: readonly PreloadedModule[];
  readonly metadata: readonly FileMetadata[];
  /** In the order in which they are looked for. */
  readonly needs: readonly ModuleNeed[];
}

export const KERNEL_TYPE = 'elf kernel';
export const OBJECT_TYPE = 'elf obj module';

const MODINFOMD_ELFHDR = 0x0002;
const MODINFOMD_SHDR = 0x0009;
const MODINFOMD_DEPLIST = 0xc001;
/** struct mod_depend. */
const DEPEND_SIZE = 12;
const SECTION_HEADER = 64;
const ELF_HEADER = 64;

/** Whether the loader takes a file as a module: an object file of amd64. */
export function isObjectModule(elf: ElfFile): boolean {
  return elf.header.type === ET_REL;
}

/** An object file as the loader has it. Throws a FormatError where its metadata are damaged. */
export function preloadedObject(kld: KldFile, path: string, address: bigint, args: string): PreloadedFile {
  const needs = kld
    .of('depend')
    .map(({ name, minimum, preferred, maximum }) => ({ name, minimum, preferred, maximum }));
  const lists = needs.map(({ name }) => ({ type: MODINFOMD_DEPLIST, size: DEPEND_SIZE + name.length + 1 }));
  const sections = kld.elf.sections.length;
  return {
    path,
    type: OBJECT_TYPE,
    address,
    size: loadedSize(kld.elf, address),
    args,
    modules: ownModules(kld),
    metadata: [
      { type: MODINFOMD_ELFHDR, size: ELF_HEADER },
      ...lists.reverse(),
      { type: MODINFOMD_SHDR, size: sections * SECTION_HEADER },
    ],
    needs: needs.reverse(),
  };
}

/** A module is there once for each version. */
function ownModules(kld: KldFile): readonly PreloadedModule[] {
  const modules: PreloadedModule[] = [];
  for (const { name, version } of kld.of('version'))
    if (!modules.some((module) => module.name === name && module.version === version))
      modules.unshift({ name, version });
  return modules;
}

/** Bytes that an object file takes: what is allocated, symbols, names, and relocations, one behind the other. */
function loadedSize({ sections, header }: ElfFile, address: bigint): number {
  let end = Number(address & 0xfffn);
  const begin = end;
  const place = (size: number, align: number): void => {
    const step = Math.max(align, 1);
    end = Math.ceil(end / step) * step + size;
  };
  for (const { type, size, flags, addralign } of sections) {
    const kept = type === SHT_PROGBITS || type === SHT_NOBITS || type === SHT_X86_64_UNWIND;
    if (size > 0 && kept && (flags & SHF_ALLOC) !== 0) place(size, addralign);
  }
  const symbols = sections.find(({ type }) => type === SHT_SYMTAB);
  for (const section of [symbols, symbols && sections[symbols.link], sections[header.shstrndx]])
    if (section) place(section.size, section.addralign);
  for (const { type, info, size, addralign } of sections) {
    if (type !== SHT_REL && type !== SHT_RELA) continue;
    if (((sections[info]?.flags ?? 0) & SHF_ALLOC) !== 0) place(size, addralign);
  }
  return end - begin;
}

/** The module of that name whose version is the preferred one, or the highest of those that will do. */
export function findModule(
  files: readonly PreloadedFile[],
  name: string,
  need: ModuleNeed | undefined,
): PreloadedModule | undefined {
  for (const { modules } of files) {
    const found = bestVersion(
      modules.filter((module) => module.name === name),
      need,
    );
    if (found) return found;
  }
  return undefined;
}

/** Of things with versions in their order, the one to take: any where nothing is asked for. */
export function bestVersion<Thing extends { readonly version: number }>(
  things: readonly Thing[],
  need: ModuleNeed | undefined,
): Thing | undefined {
  if (!need) return things[0];
  let best: Thing | undefined;
  for (const thing of things) {
    if (thing.version === need.preferred) return thing;
    const fits = thing.version >= need.minimum && thing.version <= need.maximum;
    if (fits && thing.version > (best?.version ?? 0)) best = thing;
  }
  return best;
}
