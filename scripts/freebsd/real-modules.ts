import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '../../src/formats/byte-reader.js';
import { type ElfFile, isElf, parseElf } from '../../src/formats/elf/index.js';
import { decodeUtf8 } from '../../src/formats/string-table.js';

/** What is to be known of the modules that came with a kernel to know what the kernel itself has. */
export interface RealModules {
  /** Symbols that a module defines for others. */
  readonly defined: ReadonlySet<string>;
  /** Symbols that code of a module calls or jumps to. */
  readonly called: ReadonlySet<string>;
  /** Modules that the files declare the version of. */
  readonly provided: ReadonlySet<string>;
  /** Modules that some file depends on, and the versions preferred. */
  readonly wanted: ReadonlyMap<string, number>;
}

const STB_GLOBAL = 1;
const SHN_UNDEF = 0;
const R_X86_64_64 = 1;
const R_X86_64_PLT32 = 4;
/** sys/module.h. */
const MDT_DEPEND = 1;
const MDT_VERSION = 3;

/** Reads every module of a folder, as /boot/kernel is one. */
export function readRealModules(folder: string): RealModules {
  const defined = new Set<string>();
  const called = new Set<string>();
  const provided = new Set<string>();
  const wanted = new Map<string, number>();
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.ko'))
    .sort()) {
    const bytes = readFileSync(join(folder, name));
    if (!isElf(bytes)) continue;
    const elf = parseElf(bytes, name);
    for (const symbol of elf.symbols()) {
      if (symbol.bind === STB_GLOBAL && symbol.shndx !== SHN_UNDEF) defined.add(symbol.name);
    }
    const places = new Places(elf);
    for (const symbol of places.called) called.add(symbol);
    for (const { type, version, name: other } of places.metadata()) {
      if (type === MDT_VERSION) provided.add(other);
      if (type === MDT_DEPEND) wanted.set(other, Math.max(version, wanted.get(other) ?? 0));
    }
  }
  return { defined, called, provided, wanted };
}

interface Place {
  readonly section: number;
  readonly offset: number;
}

/** Where the 64-bit pointers of a relocatable module lead. */
class Places {
  readonly called = new Set<string>();
  private readonly pointers = new Map<string, Place>();

  constructor(private readonly elf: ElfFile) {
    const symbols = elf.symbols();
    for (const section of elf.relocationSections()) {
      for (const { offset, type, symbol, addend } of elf.relocations(section)) {
        const { name, shndx, value } = symbols[symbol];
        if (type === R_X86_64_PLT32 && shndx === SHN_UNDEF) this.called.add(name);
        if (type !== R_X86_64_64) continue;
        this.pointers.set(`${section.info}:${offset}`, { section: shndx, offset: Number(value + addend) });
      }
    }
  }

  /** struct mod_metadata {int md_version, md_type; const void *md_data; const char *md_cval;} of the linker set. */
  *metadata(): Generator<{ type: number; name: string; version: number }> {
    const set = this.elf.section('set_modmetadata_set');
    if (!set) return;
    for (let offset = 0; offset < set.size; offset += 8) {
      const entry = this.follow({ section: set.index, offset });
      const type = this.at(entry, 4);
      const data = this.follow({ ...entry, offset: entry.offset + 8 });
      const name = this.text(this.follow({ ...entry, offset: entry.offset + 16 }));
      // struct mod_depend has minimum, preferred, maximum; struct mod_version the version only.
      if (type === MDT_DEPEND) yield { type, name, version: this.at(data, 4) };
      if (type === MDT_VERSION) yield { type, name, version: this.at(data, 0) };
    }
  }

  private follow({ section, offset }: Place): Place {
    const place = this.pointers.get(`${section}:${offset}`);
    if (!place) throw new Error(`${this.elf.file}: no pointer at ${offset} of section ${section}`);
    return place;
  }

  private at({ section, offset }: Place, field: number): number {
    return new ByteReader(this.elf.sections[section].data, this.elf.file).u32(offset + field, 'metadata');
  }

  private text({ section, offset }: Place): string {
    const { data } = this.elf.sections[section];
    return decodeUtf8(data.subarray(offset, data.indexOf(0, offset)));
  }
}
