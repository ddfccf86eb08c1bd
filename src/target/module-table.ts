import type { ElfFile } from '../formats/elf/index.js';
import { FormatError } from '../formats/format-error.js';
import { parseModinfo } from '../formats/modinfo.js';
import { type ModuleExport, moduleExports } from '../formats/module-exports.js';
import { decodeUtf8 } from '../formats/string-table.js';

/** What a target knows of one of the modules that came with its kernel. */
export interface ModuleSummary {
  readonly name: string;
  /** Below lib/modules/RELEASE: `kernel/drivers/net/dummy.ko.xz`. */
  readonly path: string;
  readonly license: string;
  /** Names of the modules that it says it needs. */
  readonly depends: readonly string[];
}

/** An export and the module that has it. */
export interface ProvidedSymbol extends ModuleExport {
  readonly module: ModuleSummary;
}

/** A module before it is stored. */
export interface ReadModule extends Omit<ModuleSummary, 'name'> {
  readonly exports: readonly ModuleExport[];
}

/** What a target keeps of a module's file. Throws a FormatError. */
export function readModule(elf: ElfFile, path: string): ReadModule {
  const modinfo = parseModinfo(elf.section('.modinfo')?.data ?? new Uint8Array());
  return {
    path,
    license: modinfo.get('license') ?? '',
    depends: (modinfo.get('depends') ?? '').split(',').filter(Boolean).map(moduleNameOf),
    exports: moduleExports(elf),
  };
}

/** A module's name by its file's (modules are told apart with underscores, kmod's path_to_modname). */
export function moduleNameOf(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file.replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}

/** The stored form: a line for each module, with its path, licence and dependencies between tabs. */
export function encodeModules(modules: readonly ReadModule[]): Uint8Array {
  return encode(
    sorted(modules).map(({ path, license, depends }) => [
      path,
      license.replace(/\s/g, ' '),
      depends.join(','),
    ]),
  );
}

/**
 * The exports as Module.symvers has them (Documentation/kbuild/modules.rst): CRC, symbol, module, kind of export and
 * namespace between tabs; the module is the number of its line among the modules.
 */
export function encodeSymvers(modules: readonly ReadModule[]): Uint8Array {
  return encode(
    sorted(modules).flatMap(({ exports }, i) =>
      exports.map(({ crc, name, gplOnly, namespace }) => [
        crc === undefined ? '' : `0x${crc.toString(16).padStart(8, '0')}`,
        name,
        String(i),
        gplOnly ? 'EXPORT_SYMBOL_GPL' : 'EXPORT_SYMBOL',
        namespace,
      ]),
    ),
  );
}

function sorted(modules: readonly ReadModule[]): ReadModule[] {
  return [...modules].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function encode(lines: readonly (readonly string[])[]): Uint8Array {
  return new TextEncoder().encode(lines.map((fields) => `${fields.join('\t')}\n`).join(''));
}

/** The modules that came with a kernel, and what they export. */
export class ModuleTable {
  readonly all: readonly ModuleSummary[];
  private readonly byName: ReadonlyMap<string, ModuleSummary>;
  private exported: ReadonlyMap<string, ProvidedSymbol> | undefined;

  /** Of the two stored forms; `file` is what to call them in errors. Throws a FormatError where lines are damaged. */
  constructor(
    modules: Uint8Array,
    private readonly symvers: () => Uint8Array,
    private readonly file: string,
  ) {
    this.all = rows(modules, 3, `${file}: modules`).map(([path, license, depends]) => ({
      name: moduleNameOf(path),
      path,
      license,
      depends: depends.split(',').filter(Boolean),
    }));
    this.byName = new Map(this.all.map((module) => [module.name, module]));
  }

  /** The module of that name. */
  get(name: string): ModuleSummary | undefined {
    return this.byName.get(name);
  }

  /** Every symbol that a module exports; of several modules with one, the first. */
  get exports(): ReadonlyMap<string, ProvidedSymbol> {
    this.exported ??= this.readExports();
    return this.exported;
  }

  private readExports(): ReadonlyMap<string, ProvidedSymbol> {
    const file = `${this.file}: symvers`;
    const found = new Map<string, ProvidedSymbol>();
    for (const [i, [crc, name, number, kind, namespace]] of rows(this.symvers(), 5, file).entries()) {
      if (found.has(name)) continue;
      const module = this.all[Number(number)];
      if (!module) throw new FormatError(file, `line ${i + 1}`, 0, `there is no module ${number}`);
      found.set(name, {
        name,
        crc: crc === '' ? undefined : Number.parseInt(crc, 16),
        gplOnly: kind === 'EXPORT_SYMBOL_GPL',
        namespace,
        module,
      });
    }
    return found;
  }
}

function rows(bytes: Uint8Array, fields: number, file: string): string[][] {
  const lines = decodeUtf8(bytes).split('\n');
  lines.pop();
  return lines.map((line, i) => {
    const row = line.split('\t');
    if (row.length !== fields)
      throw new FormatError(file, `line ${i + 1}`, 0, `${row.length} fields, need ${fields}`);
    return row;
  });
}
