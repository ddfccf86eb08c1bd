import { type ElfFile, EM_X86_64, ET_DYN, ET_EXEC, ET_REL, parseElf } from '../elf/index.js';
import { FormatError } from '../format-error.js';
import { MDT_SETNAME } from './constants.js';
import type { KldImage } from './kld-image.js';
import {
  type KldMetadata,
  type MetadataEntry,
  type ModuleData,
  readEntry,
  readMetadata,
  readModuleData,
} from './metadata.js';
import { parsePnpDescription } from './pnp-description.js';
import { type PnpValue, readPnpTable } from './pnp-table.js';
import { relocatableImage } from './relocatable-image.js';
import { sharedImage } from './shared-image.js';

/** What a kld says of itself. Everything is read when it is asked for, and throws a FormatError where it is damaged. */
export class KldFile {
  private entries: readonly KldMetadata[] | undefined;

  constructor(
    readonly elf: ElfFile,
    readonly image: KldImage,
  ) {}

  /** Addresses of the entries of its modmetadata_set in the order of the file; undefined where it has no such set. */
  entryAddresses(): readonly number[] | undefined {
    return this.image.linkerSet(MDT_SETNAME);
  }

  entryAt(address: number): MetadataEntry {
    return readEntry(this.image, address);
  }

  resolve(entry: MetadataEntry): KldMetadata {
    return readMetadata(this.image, entry, this.elf.file);
  }

  /** All that its modmetadata_set says, in the order of the file; nothing where it has no such set. */
  metadata(): readonly KldMetadata[] {
    this.entries ??= (this.entryAddresses() ?? []).map((address) => this.resolve(this.entryAt(address)));
    return this.entries;
  }

  /** Metadata of one kind. */
  of<Kind extends KldMetadata['kind']>(kind: Kind): readonly Extract<KldMetadata, { kind: Kind }>[] {
    return this.metadata().filter(
      (entry): entry is Extract<KldMetadata, { kind: Kind }> => entry.kind === kind,
    );
  }

  /** What a module is declared with. */
  moduleData(module: Extract<KldMetadata, { kind: 'module' }>): ModuleData {
    return readModuleData(this.image, module.data);
  }

  /** The devices of a PNP table; undefined where its description is none. */
  pnpEntries(pnp: Extract<KldMetadata, { kind: 'pnp' }>): readonly (readonly PnpValue[])[] | undefined {
    const fields = parsePnpDescription(pnp.description);
    return fields && readPnpTable(this.image, pnp, fields, this.elf.file);
  }
}

/**
 * A kld of amd64: an object file (ET_REL), a shared object, or a kernel that is linked dynamically. Throws a FormatError that says
 * what it is instead: i386's klds, 32-bit ET_DYN, are not read.
 */
export function parseKld(bytes: Uint8Array, file: string): KldFile {
  return kldOf(parseElf(bytes, file));
}

/** The same of a file that is open already. */
export function kldOf(elf: ElfFile): KldFile {
  const { machine, type } = elf.header;
  if (machine !== EM_X86_64)
    throw new FormatError(elf.file, 'e_machine', 18, `machine ${machine}, need ${EM_X86_64} (x86-64)`);
  if (type === ET_REL) return new KldFile(elf, relocatableImage(elf));
  if (type === ET_DYN || type === ET_EXEC) return new KldFile(elf, sharedImage(elf));
  throw new FormatError(elf.file, 'e_type', 16, `${type}, need ET_REL, ET_DYN or ET_EXEC`);
}
