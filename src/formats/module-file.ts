import { unpack } from './compressed/unpack.js';
import { type ElfFile, parseElf } from './elf/index.js';
import { FormatError } from './format-error.js';
import { type Modinfo, parseModinfo } from './modinfo.js';
import { type ModuleSignature, splitModuleSignature } from './module-signature.js';

/**
 * A module's file, as somebody gave it. It is unpacked and parsed once, when that is first asked for, by whoever asks; nothing
 * changes it. Everything but `path` and `bytes` throws FormatError where the file is damaged.
 */
export class ModuleFile {
  private unpacked: Uint8Array | undefined;
  private parsed: { readonly size: number; readonly elf: ElfFile } | undefined;
  private information: Modinfo | undefined;

  constructor(
    /** What it is called in messages. */
    readonly path: string,
    /** As they were given, packed or not. */
    readonly bytes: Uint8Array,
  ) {}

  /** Without its packing; with its signature. */
  get content(): Uint8Array {
    this.unpacked ??= unpack(this.bytes, this.path);
    return this.unpacked;
  }

  /** What is appended to the content to vouch for it; undefined where there is nothing. */
  get signature(): ModuleSignature | undefined {
    return splitModuleSignature(this.content, this.path).signature;
  }

  /** The ELF file, without the signature. */
  get elf(): ElfFile {
    return this.elfOf(splitModuleSignature(this.content, this.path).module.length);
  }

  /** The ELF file in the first bytes of the content, as a kernel's loader reads it. */
  elfOf(size: number): ElfFile {
    if (this.parsed?.size !== size)
      this.parsed = { size, elf: parseElf(this.content.subarray(0, size), this.path, 'module') };
    return this.parsed.elf;
  }

  get modinfo(): Modinfo {
    this.information ??= parseModinfo(this.elf.section('.modinfo')?.data ?? new Uint8Array());
    return this.information;
  }

  /** The name that it gives itself. */
  get name(): string | undefined {
    return this.modinfo.get('name');
  }

  /** Names of the modules that it needs at once, in the order of the file. */
  get depends(): readonly string[] {
    return (this.modinfo.get('depends') ?? '').split(',').filter(Boolean);
  }
}

/** What a module's file says; undefined where it is too damaged to say it. For who need not report what is wrong with it. */
export function saidBy<T>(file: ModuleFile, ask: (file: ModuleFile) => T): T | undefined {
  try {
    return ask(file);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
