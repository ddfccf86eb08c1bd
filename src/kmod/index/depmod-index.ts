import { type FileSource, readText } from '../file-source.js';
import { literalPrefix, matcherOf } from '../glob.js';
import { moduleNameOf, normalizeName } from '../names.js';
import type { IndexedModule, ModuleIndex } from './module-index.js';

/** A tree's modules as depmod's text files tell (modules.dep(5)); each file is read when it is first needed. */
export class DepmodIndex implements ModuleIndex {
  private readonly modules = new Map<string, IndexedModule>();
  private aliasTable: AliasTable | undefined;
  private symbolTable: ReadonlyMap<string, readonly string[]> | undefined;

  /** `dir` is lib/modules/RELEASE. */
  constructor(
    private readonly files: FileSource,
    private readonly dir: string,
  ) {
    for (const line of (readText(files, `${dir}/modules.dep`) ?? '').split('\n')) this.addLine(line);
  }

  module(name: string): IndexedModule | undefined {
    return this.modules.get(name);
  }

  names(): readonly string[] {
    return [...this.modules.keys()];
  }

  withAlias(alias: string): readonly string[] {
    this.aliasTable ??= new AliasTable(parseAliases(readText(this.files, `${this.dir}/modules.alias`) ?? ''));
    return this.aliasTable.lookup(alias);
  }

  withSymbol(alias: string): readonly string[] {
    if (!this.symbolTable) {
      const table = new Map<string, string[]>();
      for (const [symbol, module] of parseAliases(readText(this.files, `${this.dir}/modules.symbols`) ?? ''))
        append(table, symbol, module);
      this.symbolTable = table;
    }
    return this.symbolTable.get(alias) ?? [];
  }

  /** `path: dependency dependency`; what is named last has to be loaded first. */
  private addLine(line: string): void {
    const colon = line.indexOf(':');
    if (colon < 0) return;
    const path = line.slice(0, colon);
    const name = moduleNameOf(path);
    let dependencies: readonly string[] | undefined;
    this.modules.set(name, {
      name,
      path,
      get dependencies() {
        dependencies ??= line
          .slice(colon + 1)
          .split(' ')
          .filter(Boolean)
          .map(moduleNameOf)
          .reverse();
        return dependencies;
      },
    });
  }
}

/** `alias PATTERN MODULE` lines. */
export function* parseAliases(text: string): Generator<readonly [alias: string, module: string]> {
  for (const line of text.split('\n')) {
    if (!line.startsWith('alias ')) continue;
    const space = line.lastIndexOf(' ');
    yield [normalizeName(line.slice(6, space)), line.slice(space + 1)];
  }
}

/** How many letters of a pattern's literal start the table is ordered by. */
const KEY_LETTERS = 8;

/** Patterns, found by the letters they start with. */
export class AliasTable {
  private readonly byStart = new Map<string, { pattern: string; module: string; order: number }[]>();

  constructor(aliases: Iterable<readonly [alias: string, module: string]>) {
    let order = 0;
    for (const [pattern, module] of aliases)
      append(this.byStart, literalPrefix(pattern).slice(0, KEY_LETTERS), { pattern, module, order: order++ });
  }

  /** Modules whose alias matches, each once, in the order of the table. */
  lookup(alias: string): readonly string[] {
    const found: { module: string; order: number }[] = [];
    for (let length = 0; length <= Math.min(KEY_LETTERS, alias.length); length++)
      for (const entry of this.byStart.get(alias.slice(0, length)) ?? [])
        if (matcherOf(entry.pattern)(alias)) found.push(entry);
    found.sort((a, b) => a.order - b.order);
    return [...new Set(found.map(({ module }) => module))];
  }
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
