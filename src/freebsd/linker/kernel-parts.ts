import { SHN_UNDEF, STB_GLOBAL, STT_FUNC, STT_NOTYPE, STT_OBJECT } from '../../formats/elf/constants.js';
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

  /** Global symbols, and local ones that only one file has: all that a module has takes part when others are linked. */
  private index(): ReadonlyMap<string, string> {
    const globals = new Map<string, string>();
    const locals = new Map<string, string | undefined>();
    for (const path of this.search.kernelParts())
      for (const { name, isGlobal } of this.symbolsOf(path)) {
        if (!isGlobal) locals.set(name, locals.has(name) ? undefined : path);
        else if (!globals.has(name)) globals.set(name, path);
      }
    for (const [name, path] of locals) if (path !== undefined && !globals.has(name)) globals.set(name, path);
    return globals;
  }

  private symbolsOf(path: string): readonly { readonly name: string; readonly isGlobal: boolean }[] {
    const bytes = this.k.files.readFile(path);
    if (!bytes) return [];
    try {
      return parseElf(bytes, path)
        .symbols()
        .filter(({ name, shndx, type }) => name !== '' && shndx !== SHN_UNDEF && NAMED.has(type))
        .map(({ name, bind }) => ({ name, isGlobal: bind === STB_GLOBAL }));
    } catch (error) {
      // What is wrong with the file is told when somebody loads it.
      if (error instanceof FormatError) return [];
      throw error;
    }
  }
}

/** Symbols that are functions or data. */
const NAMED: ReadonlySet<number> = new Set([STT_NOTYPE, STT_OBJECT, STT_FUNC]);
