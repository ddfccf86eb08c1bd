import { type FileSource, infoOf, readText } from '../../files/file-source.js';
import { FormatError } from '../../formats/format-error.js';
import { moduleNameOf, normalizeName } from '../names.js';
import { EMPTY_TABLE, type IndexTable } from './index-table.js';
import type { IndexedModule, ModuleIndex } from './module-index.js';
import { TextTable } from './text-table.js';
import { TrieReader } from './trie-reader.js';

/** depmod's tables that may be there as binary files. */
const TABLES = [
  'modules.dep',
  'modules.alias',
  'modules.symbols',
  'modules.builtin.alias',
  'modules.builtin',
] as const;
type TableName = (typeof TABLES)[number];

/**
 * A tree's modules as depmod's files tell (modules.dep(5)): the binary ones, and the text where a binary one is
 * missing. Each file is read when it is first needed. What is wrong with one is a FormatError then, each time.
 */
export class DepmodIndex implements ModuleIndex {
  private readonly tables = new Map<TableName, IndexTable | undefined>();
  private readonly known = new Map<string, IndexedModule>();

  /** `dir` is lib/modules/RELEASE. */
  constructor(
    private readonly files: FileSource,
    private readonly dir: string,
    /** Where what is built in is told of, which an index made from the modules knows nothing about. */
    private readonly builtinFiles: FileSource = files,
  ) {}

  /** Whether there is such an index: what has modules has modules.dep. */
  static isIn(files: FileSource, dir: string): boolean {
    return ['modules.dep.bin', 'modules.dep'].some((name) => infoOf(files, `${dir}/${name}`) !== undefined);
  }

  /** Opens the binary files, as libkmod does before anything else. Throws FormatError for the first bad one. */
  check(): void {
    for (const name of TABLES) if (infoOf(this.files, `${this.dir}/${name}.bin`)) this.table(name);
  }

  module(name: string): IndexedModule | undefined {
    const known = this.known.get(name);
    if (known) return known;
    const line = this.table('modules.dep')?.find(name);
    const module = line === undefined ? undefined : moduleOf(name, line);
    if (module) this.known.set(name, module);
    return module;
  }

  *modules(): Generator<IndexedModule> {
    for (const [name, line] of this.table('modules.dep')?.entries() ?? []) {
      const module = moduleOf(name, line);
      if (module) yield module;
    }
  }

  names(): readonly string[] {
    return [...(this.table('modules.dep')?.entries() ?? [])].map(([name]) => name);
  }

  withAlias(alias: string): readonly string[] {
    return this.table('modules.alias')?.match(alias) ?? [];
  }

  withSymbol(alias: string): readonly string[] {
    return this.table('modules.symbols')?.match(alias) ?? [];
  }

  isBuiltin(name: string): boolean | undefined {
    const table = this.table('modules.builtin');
    return table && table.find(name) !== undefined;
  }

  builtinWithAlias(alias: string): readonly string[] | undefined {
    return this.table('modules.builtin.alias')?.match(alias);
  }

  entries(table: 'alias' | 'symbols'): Iterable<readonly [alias: string, module: string]> {
    return this.table(`modules.${table}`)?.entries() ?? [];
  }

  private table(name: TableName): IndexTable | undefined {
    if (this.tables.has(name)) return this.tables.get(name);
    const path = `${this.dir}/${name}.bin`;
    // An empty one has nothing in it: depmod leaves it where it found nothing to make one of.
    const files = name.startsWith('modules.builtin') ? this.builtinFiles : this.files;
    const bytes = files.read(path);
    if (!bytes && files.list(path)) throw new FormatError(path, 'file', 0, 'is a directory');
    const empty = bytes?.length === 0 ? EMPTY_TABLE : undefined;
    const table = empty ?? (bytes ? new TrieReader(bytes, path) : this.textTable(name));
    this.tables.set(name, table);
    return table;
  }

  private textTable(name: TableName): IndexTable | undefined {
    switch (name) {
      case 'modules.dep':
        return new DependencyTable(readText(this.files, `${this.dir}/${name}`) ?? '');
      case 'modules.alias':
      case 'modules.symbols':
        return aliasTable(readText(this.files, `${this.dir}/${name}`));
    }
    // The text of what is built in is read by BuiltinModules, which has its modinfo too.
    return undefined;
  }
}

/** modules.dep: lines by the names of their modules, in the order of the file. */
class DependencyTable implements IndexTable {
  private readonly lines = new Map<string, string>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const colon = line.indexOf(':');
      if (colon >= 0) this.lines.set(moduleNameOf(line.slice(0, colon)), line);
    }
  }

  find(key: string): string | undefined {
    return this.lines.get(key);
  }

  match(): readonly string[] {
    return [];
  }

  entries(): Iterable<readonly [string, string]> {
    return this.lines;
  }
}

/** `path: dependency dependency`; what is named last has to be loaded first. */
function moduleOf(name: string, line: string): IndexedModule | undefined {
  const colon = line.indexOf(':');
  if (colon < 0) return undefined;
  const path = line.slice(0, colon);
  let paths: readonly string[] | undefined;
  let names: readonly string[] | undefined;
  return {
    name,
    path,
    get dependencyPaths() {
      paths ??= line
        .slice(colon + 1)
        .split(/[ \t]+/)
        .filter(Boolean)
        .reverse();
      return paths;
    },
    get dependencies() {
      names ??= this.dependencyPaths.map(moduleNameOf);
      return names;
    },
  };
}

function aliasTable(text: string | undefined): IndexTable {
  return text === undefined ? EMPTY_TABLE : new TextTable(parseAliases(text));
}

/** `alias PATTERN MODULE` lines. */
function* parseAliases(text: string): Generator<readonly [alias: string, module: string]> {
  for (const line of text.split('\n')) {
    if (!line.startsWith('alias ')) continue;
    const space = line.lastIndexOf(' ');
    yield [normalizeName(line.slice(6, space)), line.slice(space + 1)];
  }
}

/** Aliases in the order in which they were given. */
export class AliasTable extends TextTable {
  /** Modules whose alias matches. */
  lookup(alias: string): readonly string[] {
    return this.match(alias);
  }
}
