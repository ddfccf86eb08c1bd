import type { FileSource } from '../../files/file-source.js';
import { type ElfFile, EM_X86_64, ET_EXEC, parseElf } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import { HintsError, type KldFile, kldOf, LINKER_HINTS_VERSION } from '../../formats/kld/index.js';
import { EACCES, EFTYPE, ENOENT, ENOTDIR, EROFS, strerror } from '../../freebsd/errno.js';
import type { Output } from '../host.js';
import { Program, ProgramExit } from '../program.js';
import { EDITION_14, type Edition } from './edition.js';
import { RecordMaker, type XrefOptions } from './records.js';
import { isDirectory, isRegular, walk } from './walk.js';

/** Where linker.hints is written to. Paths are as in the {@link FileSource} beside it. */
export interface HintsWriter {
  /** Puts a file into the place of an old one; 0 or an error number of FreeBSD. */
  replace(path: string, bytes: Uint8Array): number;
  /** Removes a file, if there is one. */
  remove(path: string): void;
}

/** What kldxref sees; without a writer nothing can be written (EROFS). */
export interface XrefHost extends Output {
  readonly files: FileSource;
  readonly writer?: HintsWriter;
}

const USAGE = 'usage: kldxref [-Rdv] [-f hintsfile] path ...\n';

/** kldxref(8): makes linker.hints of directories with klds. The result is the exit status. */
export function kldxref(host: XrefHost, args: readonly string[], edition: Edition = EDITION_14): number {
  try {
    return new Kldxref(host, edition).run(args);
  } catch (error) {
    if (error instanceof ProgramExit) return error.status;
    throw error;
  }
}

class Kldxref {
  private readonly program: Program;
  private hintsFile = 'linker.hints';
  private options: XrefOptions;
  private maker: RecordMaker;
  /** The records of the directory that is walked; with -d of all. */
  private records: Uint8Array[] = [];
  private directory: string | undefined;
  /** The file that says which architecture the others have to have. */
  private first: ElfFile | undefined;
  private status = 0;

  constructor(
    private readonly host: XrefHost,
    edition: Edition,
  ) {
    this.program = new Program('kldxref', host, USAGE);
    this.options = { edition, show: false, verbose: 0 };
    this.maker = new RecordMaker(this.program, this.options);
  }

  run(args: readonly string[]): number {
    let follow = false;
    const paths = this.program.options(args, 'Rdf:v', (option, argument) => {
      if (option === 'R') follow = true;
      else if (option === 'd') this.options = { ...this.options, show: true };
      else if (option === 'f') this.hintsFile = argument;
      else this.options = { ...this.options, verbose: this.options.verbose + 1 };
    });
    if (paths.length === 0) this.program.usage();
    this.maker = new RecordMaker(this.program, this.options);
    this.demandDirectory(paths[0]);
    for (const visit of walk(this.host.files, paths, follow)) {
      if (visit.kind === 'directory') this.enter(visit.path);
      else if (this.options.edition.takes(visit.name)) this.read(visit.path, visit.name);
    }
    this.finish();
    return this.status;
  }

  private demandDirectory(path: string): void {
    const { files } = this.host;
    if (isDirectory(files, path, true)) return;
    if (!isRegular(files, path, true)) this.program.fail(1, path, ENOENT);
    if (!this.options.show || !this.options.edition.pnp) this.program.fail(1, path, ENOTDIR);
  }

  private enter(path: string): void {
    if (this.options.show) return;
    this.finish();
    this.directory = path;
    if (!this.host.writer) this.program.fail(1, `can't create ${path}/lhint.XXXXXX`, EROFS);
  }

  /** Writes what was found in a directory. Where that is nothing an old file is removed. */
  private finish(): void {
    const { directory } = this;
    const { writer } = this.host;
    if (directory === undefined || !writer) return;
    this.directory = undefined;
    const path = `${directory}/${this.hintsFile}`;
    const records = this.records;
    this.records = [];
    if (records.length === 0) {
      writer.remove(path);
      return;
    }
    const errno = writer.replace(path, joined(records));
    if (errno !== 0) this.program.fail(1, `can't create ${path}`, errno);
  }

  private read(path: string, name: string): void {
    const { show, verbose } = this.options;
    if (!show && this.directory === undefined) this.program.fail(1, path, ENOTDIR);
    if (show || verbose > 0) this.program.out(`${path}\n`);
    const kld = this.open(path);
    if (!kld) return;
    try {
      this.records.push(...this.maker.recordsOf(kld, path, name));
    } catch (error) {
      if (error instanceof HintsError) this.program.errx(1, error.message);
      throw error;
    }
  }

  private open(path: string): KldFile | undefined {
    const bytes = this.host.files.read(path);
    if (!bytes) return this.tell(`open(${path}): ${strerror(EACCES)}`);
    if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46)
      return this.tell(`${path}: not an ELF file`);
    try {
      return this.openElf(parseElf(bytes, path), path);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return this.refuse(error, path);
    }
  }

  private openElf(elf: ElfFile, path: string): KldFile | undefined {
    if (elf.header.machine !== EM_X86_64)
      return this.otherArchitecture(path, `machine ${elf.header.machine}`);
    if (elf.header.type === ET_EXEC && elf.dynamicSymbols().length === 0) {
      this.program.warnx(`Skipping ${path}: not dynamically-linked`);
      return this.tell(`${path}: not a valid DSO or object file: ${strerror(EFTYPE)}`);
    }
    const kld = kldOf(elf);
    if (this.records.length === 0) this.first = elf;
    else if (this.first && this.first.header.machine !== elf.header.machine) {
      this.program.warnx(`${path} does not match architecture of ${this.first.file}`);
      return undefined;
    }
    return kld;
  }

  /** kldxref reads klds of every architecture of FreeBSD, of any machine: what is left out is always said. */
  private otherArchitecture(path: string, what: string): undefined {
    this.program.warnx(`modbox: ${path}: ${what}: only klds of amd64 are read`);
    this.status = 1;
    return undefined;
  }

  private refuse(error: FormatError, path: string): undefined {
    if (error.field === 'e_ident[EI_CLASS]' || error.field === 'e_ident[EI_DATA]')
      return this.otherArchitecture(path, error.detail);
    this.maker.tellDamage(error);
    return this.tell(`${path}: not a valid DSO or object file: ${strerror(EFTYPE)}`);
  }

  private tell(text: string): undefined {
    if (this.options.verbose > 0) this.program.warnx(text);
    return undefined;
  }
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(records.reduce((sum, { length }) => sum + length, 4));
  new DataView(out.buffer).setInt32(0, LINKER_HINTS_VERSION, true);
  let at = 4;
  for (const record of records) {
    out.set(record, at);
    at += record.length;
  }
  return out;
}
