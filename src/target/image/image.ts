import { ET_REL } from '../../formats/elf/constants.js';
import { type ElfFile, parseElf } from '../../formats/elf/index.js';
import type { ExportedSymbol } from '../linux-target.js';
import { TargetError } from '../target-error.js';
import { demandX86 } from './architecture.js';
import { readCertificates } from './certificates.js';
import { readIkconfig } from './ikconfig.js';
import { type KallsymsTable, readKallsyms } from './kallsyms.js';
import type { KernelImage } from './kernel-image.js';
import { type RawExport, readExports } from './ksymtab.js';
import { readBanner, readVermagic, releaseOf } from './strings.js';
import { VmlinuxImage } from './vmlinux.js';

/** What an uncompressed kernel image says about itself. */
export interface ImageFacts {
  readonly banner: string;
  readonly release: string;
  /** Undefined where the image has no such string. */
  readonly vermagic: string | undefined;
  /** Text of the .config, where the image carries it. */
  readonly config: string | undefined;
  readonly exports: readonly ExportedSymbol[];
  readonly symbols: KallsymsTable;
  readonly btf: Uint8Array;
  readonly certificates: readonly Uint8Array[];
  readonly image: KernelImage;
}

/** Reads a vmlinux. What modbox cannot do without is a TargetError where it is missing. */
export function readImage(vmlinux: Uint8Array, file: string): ImageFacts {
  demandX86(vmlinux, file);
  const elf = parseElf(vmlinux, file);
  if (elf.header.type === ET_REL)
    throw new TargetError(`${file} is a kernel module or another object file, no kernel`);
  const banner = need(readBanner(elf), file, 'no "Linux version" banner: not a Linux kernel image');
  const btf = need(
    elf.section('.BTF')?.data,
    file,
    elf.sections.length === 0
      ? 'no section headers; take the vmlinux that the vmlinuz unpacks to'
      : 'no .BTF section; modbox needs a kernel built with CONFIG_DEBUG_INFO_BTF',
  );
  const exports = readExports(elf);
  if (exports.length === 0)
    throw new TargetError(`${file}: exports no symbols; a kernel without CONFIG_MODULES`);
  const symbols = need(readKallsyms(elf) ?? symbolsOfElf(elf), file, 'no kallsyms table and no symbol table');
  const release = releaseOf(banner);
  return {
    banner,
    release,
    vermagic: readVermagic(elf, release),
    config: readIkconfig(elf),
    exports: withSizes(exports, symbols),
    symbols,
    btf,
    certificates: readCertificates(elf, symbols),
    image: new VmlinuxImage(elf, symbols),
  };
}

function need<T>(value: T | undefined, file: string, missing: string): T {
  if (value === undefined) throw new TargetError(`${file}: ${missing}`);
  return value;
}

/** A vmlinux that is not stripped has the same in its ELF symbol table. */
function symbolsOfElf(elf: ElfFile): KallsymsTable | undefined {
  const symbols = elf.symbols().filter((s) => s.name !== '' && s.shndx !== 0 && s.type <= 2);
  if (symbols.length === 0) return undefined;
  const letter = (shndx: number, bind: number): string => {
    const section = elf.sections[shndx];
    const local =
      section === undefined ? 'a' : section.addr === 0n ? 'a' : sectionLetter(section.flags, section.type);
    return bind === 0 ? local : local.toUpperCase();
  };
  return {
    names: symbols.map((s) => s.name),
    types: symbols.map((s) => letter(s.shndx, s.bind)).join(''),
    addresses: BigUint64Array.from(symbols, (s) => s.value),
  };
}

/** nm's letter for a section: text, bss, data or read-only data. */
function sectionLetter(flags: number, type: number): string {
  if ((flags & 4) !== 0) return 't';
  if (type === 8) return 'b';
  return (flags & 1) !== 0 ? 'd' : 'r';
}

/** A symbol ends where the next one begins. */
function withSizes(exports: readonly RawExport[], symbols: KallsymsTable): ExportedSymbol[] {
  const sorted = BigUint64Array.from(symbols.addresses).sort();
  return exports.map((symbol) => {
    let from = 0;
    let to = sorted.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (sorted[middle] <= symbol.address) from = middle + 1;
      else to = middle;
    }
    const distance = from < sorted.length ? sorted[from] - symbol.address : 0n;
    return { ...symbol, size: distance < 0x1_0000_0000n ? Number(distance) : 0 };
  });
}
