import { FormatError } from '../../formats/format-error.js';
import {
  encodeHintsRecord,
  type HintsRecord,
  hintsDescription,
  type KldFile,
  type KldMetadata,
  MDT_DEPEND,
  MDT_MODULE,
  MDT_PNP_INFO,
  type MetadataEntry,
  type PnpValue,
  parsePnpDescription,
} from '../../formats/kld/index.js';
import { EFAULT } from '../../freebsd/errno.js';
import type { Program } from '../program.js';
import type { Edition } from './edition.js';
import { tellPnpFields, tellPnpRow } from './tell-pnp.js';

/** What is asked of a run. */
export interface XrefOptions {
  readonly edition: Edition;
  /** -d: show what would be written, write nothing. */
  readonly show: boolean;
  /** How often -v is given. */
  readonly verbose: number;
}

type PnpMetadata = Extract<KldMetadata, { kind: 'pnp' }>;

/** Makes the records of klds, and says what kldxref says meanwhile. */
export class RecordMaker {
  constructor(
    private readonly program: Program,
    private readonly options: XrefOptions,
  ) {}

  /**
   * The records of a file, encoded; with -d empty ones, which only count. `path` is what messages call it, `name` what
   * linker.hints does. A record of which something cannot be read is left out, as are all behind an entry that cannot.
   */
  recordsOf(kld: KldFile, path: string, name: string): readonly Uint8Array[] {
    const records: Uint8Array[] = [];
    const addresses = this.addresses(kld);
    if (!addresses) return records;
    const add = (entry: MetadataEntry): void => {
      const record = this.recordOf(kld, entry, name);
      if (record) records.push(record);
    };
    try {
      if (this.options.edition.oneModule) this.firstModule(kld, addresses, add);
      for (const address of addresses) {
        const entry = this.entryAt(kld, address);
        if (!this.options.edition.oneModule || entry.type !== MDT_MODULE) add(entry);
      }
    } catch (error) {
      this.tellDamage(error);
      this.program.warn(`error while reading ${path}`, EFAULT);
    }
    return records;
  }

  /** What only modbox says: where a file is damaged. */
  tellDamage(error: unknown): void {
    if (!(error instanceof FormatError)) throw error;
    if (this.options.verbose > 0) this.program.warnx(`modbox: ${error.message}`);
  }

  private addresses(kld: KldFile): readonly number[] | undefined {
    try {
      return kld.entryAddresses();
    } catch (error) {
      this.tellDamage(error);
      return undefined;
    }
  }

  private firstModule(kld: KldFile, addresses: readonly number[], add: (entry: MetadataEntry) => void): void {
    for (const address of addresses) {
      const entry = this.entryAt(kld, address);
      if (entry.type !== MDT_MODULE) continue;
      add(entry);
      return;
    }
  }

  private entryAt(kld: KldFile, address: number): MetadataEntry {
    const entry = kld.entryAt(address);
    const { nameLimit, cutsNames } = this.options.edition;
    if (entry.name.length <= nameLimit) return entry;
    if (cutsNames) return { ...entry, name: entry.name.slice(0, nameLimit) };
    throw new FormatError(kld.elf.file, 'md_cval', address, `a name of more than ${nameLimit} bytes`);
  }

  private recordOf(kld: KldFile, entry: MetadataEntry, name: string): Uint8Array | undefined {
    const { show, edition } = this.options;
    if (entry.type === MDT_DEPEND && !show) return undefined;
    if (entry.type === MDT_PNP_INFO && !edition.pnp) {
      this.program.warnx(`unknown metadata record ${entry.type} in file ${name}`);
      return undefined;
    }
    const metadata = this.resolve(kld, entry);
    if (!metadata) return undefined;
    if (metadata.kind === 'unknown')
      this.program.warnx(`unknown metadata record ${metadata.type} in file ${name}`);
    if (show) {
      this.tell(metadata);
      return new Uint8Array(0);
    }
    const record = this.hintsRecord(kld, metadata, name);
    return record && encodeHintsRecord(record, edition.maxRecord);
  }

  private resolve(kld: KldFile, entry: MetadataEntry): KldMetadata | undefined {
    try {
      return kld.resolve(entry);
    } catch (error) {
      this.tellDamage(error);
      return undefined;
    }
  }

  private tell(metadata: KldMetadata): void {
    const text = describe(metadata);
    if (text !== undefined) this.program.out(`  ${text}\n`);
  }

  private hintsRecord(kld: KldFile, metadata: KldMetadata, file: string): HintsRecord | undefined {
    switch (metadata.kind) {
      case 'module':
        return { kind: 'module', name: metadata.name, file };
      case 'version':
        return { kind: 'version', name: metadata.name, version: metadata.version, file };
      case 'pnp':
        return this.pnpRecord(kld, metadata);
      default:
        return undefined;
    }
  }

  private pnpRecord(kld: KldFile, metadata: PnpMetadata): HintsRecord | undefined {
    const { name, description, count } = metadata;
    const tells = this.options.verbose > 1;
    if (tells) this.tell(metadata);
    if (tells) this.program.out(`Converting ${description} into a list\n`);
    const fields = parsePnpDescription(description);
    if (tells) tellPnpFields(this.program, description);
    if (!fields) this.program.errx(1, `Parse error of description string ${description}`);
    const rows = this.rowsOf(kld, metadata);
    if (!rows) return undefined;
    if (tells) for (const row of rows) tellPnpRow(this.program, fields, row);
    return { kind: 'pnp', bus: name, description: hintsDescription(fields), count, values: rows.flat() };
  }

  /**
   * Undefined where the table cannot be read, which is told. FreeBSD's kldxref writes a record that counts entries and has none then,
   * and who reads it runs over its end.
   */
  private rowsOf(kld: KldFile, metadata: PnpMetadata): readonly (readonly PnpValue[])[] | undefined {
    try {
      return kld.pnpEntries(metadata);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.program.warnx(`modbox: ${error.message}`);
      return undefined;
    }
  }
}

/** A line of -d, without what is before it. */
function describe(metadata: KldMetadata): string | undefined {
  switch (metadata.kind) {
    case 'depend':
      return `depends on ${metadata.name}.${metadata.preferred} (${metadata.minimum},${metadata.maximum})`;
    case 'version':
      return `interface ${metadata.name}.${metadata.version}`;
    case 'module':
      return `module ${metadata.name}`;
    case 'pnp':
      return `pnp info for bus ${metadata.name} format ${metadata.description} ${metadata.count} entries of ${metadata.entryLength} bytes`;
    case 'unknown':
      return undefined;
  }
}
