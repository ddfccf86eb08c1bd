import {
  type ElfFile,
  type ElfSymbol,
  SHF_WRITE,
  SHN_ABS,
  SHN_COMMON,
  SHN_LIVEPATCH,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_SYMTAB,
  STB_WEAK,
} from '../formats/elf/index.js';
import { FormatError } from '../formats/format-error.js';
import { type Modinfo, parseKernelModinfo } from '../formats/modinfo.js';
import { type ModuleExport, moduleExports } from '../formats/module-exports.js';
import type { ModuleFile } from '../formats/module-file.js';
import { crcsByName, kernelVersions, parseExtendedModversions } from '../formats/modversions.js';
import { demandValidElf, InvalidElf } from '../linux/module/elf-validity.js';
import { hiddenLicense } from '../linux/module/license.js';
import { modinfoBytes } from '../linux/module/modinfo-bytes.js';
import { invalidIndex, isOfLinkTime } from '../linux/module/odd-symbols.js';
import { THIS_MODULE } from '../linux/module/this-module.js';
import { hasUnversionedExports } from '../linux/module/unversioned-exports.js';
import type { Crcs } from '../linux/module/version-forms.js';
import { moduleNameOf } from '../target/module-table.js';
import type { SignatureVerdict, Verifier } from '../trust/index.js';

/** A symbol that a module needs from elsewhere. `index`: its place in the symbol table. */
export interface Import {
  readonly index: number;
  readonly name: string;
  readonly weak: boolean;
}

/** A symbol that has no place; `line` is what the kernel says of it behind the module's name. */
export interface UnplacedSymbol {
  readonly index: number;
  readonly kind: 'common-symbol' | 'symbol-section';
  readonly name: string;
  readonly line: string;
}

/** `.gnu.linkonce.this_module`: struct module as the module was built with it. */
interface ModuleStruct {
  readonly size: number;
  readonly data: Uint8Array;
  readonly inFile: boolean;
  readonly writable: boolean;
  /** Where in it the pointers to the init and exit functions are; undefined where the module has no such function. */
  readonly init: number | undefined;
  readonly exit: number | undefined;
}

/** What a module's file says, as far as it matters to a kernel. */
export interface ModuleContent {
  readonly modinfo: Modinfo;
  /** What stands behind a NUL in its licence. */
  readonly hiddenLicense: string | undefined;
  /** CRCs that it was built against, of `__versions`; undefined where it has no such section. */
  readonly versions: Crcs | undefined;
  /** The same of the extended form. */
  readonly extendedVersions: Crcs | undefined;
  /** In the order of the symbol table. */
  readonly imports: readonly Import[];
  readonly exports: readonly ModuleExport[];
  /** It exports symbols and has no table of their versions. */
  readonly unversionedExports: boolean;
  /** Symbols that the kernel gives no place: common ones, and those of sections that are not there. */
  readonly unplaced: readonly UnplacedSymbol[];
  readonly struct: ModuleStruct;
  /** The file, to be laid out and linked. */
  readonly elf: ElfFile;
  /** Section `.BTF`. */
  readonly btf: Uint8Array | undefined;
}

/** Why a file is no module to the kernel. */
interface Unreadable {
  readonly text: string;
  /** What the kernel logs, where that is known. */
  readonly log: string | undefined;
  readonly errno: 'ENOEXEC' | 'EINVAL';
}

/** One file to check, read once for all kernels. */
export interface CheckedModule {
  readonly file: string;
  readonly name: string;
  readonly content: ModuleContent | Unreadable;
  /** By what keyrings there are: see CheckKernel.checkSignature. */
  readonly signatures: readonly SignatureVerdict[];
}

export function isReadable(content: ModuleContent | Unreadable): content is ModuleContent {
  return 'modinfo' in content;
}

/** How one kernel checks a signature. `file` is for messages. */
export type SignatureCheck = (bytes: Uint8Array, file: string, verifier: Verifier) => SignatureVerdict;

/** Reads a module's file, packed or not. What is wrong with it is part of the result; nothing is thrown for it. */
export function readCheckedModule(
  given: ModuleFile,
  checks: readonly SignatureCheck[],
  verifier: Verifier,
): CheckedModule {
  const file = given.path;
  const byName = moduleNameOf(file);
  let bytes: Uint8Array;
  try {
    bytes = given.content;
  } catch (error) {
    return { file, name: byName, content: unreadable(error), signatures: [] };
  }
  const once = digestOnce(verifier);
  const signatures = checks.map((check) => check(bytes, file, once));
  // The kernel cuts the signature off before it looks at the rest.
  const size = signatures[0]?.size ?? bytes.length;
  const content = readContent(given, size);
  const name = isReadable(content) ? content.modinfo.get('name') : undefined;
  return { file, name: name ?? byName, content, signatures };
}

/** A verifier for one file that several kernels check: its digest is computed once for all of them. */
function digestOnce({ digest, verify }: Verifier): Verifier {
  const known = new Map<string, Uint8Array>();
  return {
    verify,
    digest(name, bytes) {
      const key = `${name} ${bytes.byteOffset} ${bytes.length}`;
      const made = known.get(key) ?? digest(name, bytes);
      known.set(key, made);
      return made;
    },
  };
}

function readContent(file: ModuleFile, size: number): ModuleContent | Unreadable {
  // kernel_read_file() has an error of its own for it.
  if (size === 0) return { text: 'the file is empty', log: undefined, errno: 'EINVAL' };
  try {
    demandValidElf(file.content.subarray(0, size), file.path);
    return contentOf(file.elfOf(size));
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): Unreadable {
  if (!(error instanceof FormatError)) throw error;
  return { text: error.message, log: error instanceof InvalidElf ? error.line : undefined, errno: 'ENOEXEC' };
}

function contentOf(elf: ElfFile): ModuleContent | Unreadable {
  const info = modinfoBytes(elf);
  const modinfo = parseKernelModinfo(info);
  const called = modinfo.get('name') ?? '(missing .modinfo section or name field)';
  if (!elf.sections.some(({ type }) => type === SHT_SYMTAB))
    return {
      text: 'it has no symbols: stripped of what the kernel links by',
      log: `${called}: module has no symbols (stripped?)`,
      errno: 'ENOEXEC',
    };
  const struct = structOf(elf);
  if (!struct)
    return {
      text: `it has no section ${THIS_MODULE}: an object file, and no module that modpost has finished`,
      log: `${called}: No module found in object`,
      errno: 'ENOEXEC',
    };
  const versions = elf.allocatedSection('__versions');
  const extended = parseExtendedModversions(elf).versions;
  const symbols = elf.symbols();
  return {
    modinfo,
    hiddenLicense: hiddenLicense(info),
    versions: versions && crcsByName(kernelVersions(versions.data)),
    extendedVersions: extended.length > 0 ? crcsByName(extended) : undefined,
    imports: symbols
      .filter(({ shndx, index }) => shndx === SHN_UNDEF && index !== 0)
      .map(({ index, name, bind }) => ({ index, name, weak: bind === STB_WEAK })),
    exports: moduleExports(elf),
    unversionedExports: hasUnversionedExports(elf),
    unplaced: symbols.flatMap((symbol) => unplacedOf(symbol, elf)),
    struct,
    elf,
    btf: elf.section('.BTF')?.data,
  };
}

function unplacedOf(symbol: ElfSymbol, elf: ElfFile): UnplacedSymbol[] {
  const { index, name, shndx } = symbol;
  if (shndx === SHN_COMMON)
    return isOfLinkTime(name)
      ? []
      : [{ index, kind: 'common-symbol', name, line: 'please compile with -fno-common' }];
  const elsewhere = shndx === SHN_UNDEF || shndx === SHN_ABS || shndx === SHN_LIVEPATCH;
  if (elsewhere || shndx < elf.sections.length) return [];
  return [{ index, kind: 'symbol-section', name, line: invalidIndex(symbol, elf) }];
}

function structOf(elf: ElfFile): ModuleStruct | undefined {
  const section = elf.allocatedSection(THIS_MODULE);
  if (!section) return undefined;
  const relocations = elf.relocationSections().find(({ info }) => info === section.index);
  const symbols = elf.symbols();
  const places = new Map<string, number>();
  if (relocations)
    for (const { offset, symbol } of elf.relocations(relocations))
      places.set(symbols[symbol]?.name ?? '', offset);
  return {
    size: section.size,
    data: section.data,
    inFile: section.type !== SHT_NOBITS,
    writable: (section.flags & SHF_WRITE) !== 0,
    init: places.get('init_module'),
    exit: places.get('cleanup_module'),
  };
}
