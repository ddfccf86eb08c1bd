import { SHN_UNDEF, STB_GLOBAL } from '../../formats/elf/constants.js';
import { parseElf } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import type { FreebsdKernel } from '../kernel.js';
import type { ModuleSearch } from './search.js';

/**
 * What a tree's kernel has built in (its linker.hints say so) and has files of as well. Modules that use such parts need not say that they
 * depend on them, since that kernel always has them; this base kernel takes them from their files.
 */
export class KernelParts {
  private bySymbol: ReadonlyMap<string, string> | undefined;

  constructor(
    private readonly k: FreebsdKernel,
    private readonly search: ModuleSearch,
  ) {}

  /** Whether a file is one of a part of the kernel. */
  has(path: string): boolean {
    this.paths ??= new Set(this.search.kernelParts());
    return this.paths.has(path);
  }

  private paths: ReadonlySet<string> | undefined;

  /** The file that defines a symbol. All files are looked through when the first is asked for. */
  fileOf(symbol: string): string | undefined {
    this.bySymbol ??= this.index();
    return this.bySymbol.get(symbol);
  }

  private index(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const path of this.search.kernelParts())
      for (const name of this.globalsOf(path)) if (!found.has(name)) found.set(name, path);
    return found;
  }

  private globalsOf(path: string): readonly string[] {
    const bytes = this.k.files.readFile(path);
    if (!bytes) return [];
    try {
      const defined = parseElf(bytes, path)
        .symbols()
        .filter(({ name, shndx }) => name !== '' && shndx !== SHN_UNDEF);
      const globals = defined.filter(({ bind }) => bind === STB_GLOBAL);
      // A file that exports nothing (EXPORT_SYMS=NO) has all its symbols made local: within the kernel they are global.
      return (globals.length > 0 ? globals : defined).map(({ name }) => name);
    } catch (error) {
      // What is wrong with the file is told when somebody loads it.
      if (error instanceof FormatError) return [];
      throw error;
    }
  }
}
