import { type FileSource, readText } from '../file-source.js';
import { isModuleFile, moduleNameOf, normalizeName } from '../names.js';
import { factsOf, type ModuleFacts } from './read-module.js';

/** depmod's text files for a tree. */
export interface IndexTexts {
  readonly dep: string;
  readonly alias: string;
  readonly symbols: string;
  readonly softdep: string;
}

/** Keeps the index of a tree that has none, by a key that changes when the tree does. */
export interface IndexCache {
  get(key: string): IndexTexts | undefined;
  put(key: string, texts: IndexTexts): void;
}

interface ScannedModule {
  readonly name: string;
  readonly path: string;
  readonly facts: ModuleFacts;
  readonly dependencies: ScannedModule[];
  users: number;
  /** Place in depmod's order, users before what they use. */
  rank: number;
}

/** Makes the index of lib/modules/RELEASE from the modules themselves, in the order that depmod gives it. */
export function scanTree(files: FileSource, dir: string, cache?: IndexCache): IndexTexts {
  const paths = inOrder(files, dir, modulePaths(files, dir));
  const key = cache && treeKey(files, dir, paths);
  const known = key === undefined ? undefined : cache?.get(key);
  if (known) return known;
  const modules: ScannedModule[] = [];
  for (const path of paths) {
    const facts = factsOf(files, `${dir}/${path}`);
    if (facts) modules.push({ name: moduleNameOf(path), path, facts, dependencies: [], users: 0, rank: 0 });
  }
  link(modules);
  rank(modules);
  const texts = write(modules);
  if (key !== undefined) cache?.put(key, texts);
  return texts;
}

/** Paths of module files below a directory. The first of two modules of one name counts. */
export function modulePaths(files: FileSource, dir: string): string[] {
  const found = new Map<string, string>();
  const walk = (below: string): void => {
    for (const { name, kind } of files.list(`${dir}/${below}`) ?? []) {
      const path = below === '' ? name : `${below}/${name}`;
      if (kind === 'directory') {
        if (below !== '' || (name !== 'build' && name !== 'source')) walk(path);
      } else if (isModuleFile(name) && !found.has(moduleNameOf(name))) found.set(moduleNameOf(name), path);
    }
  };
  walk('');
  return [...found.values()];
}

/** Modules named in modules.order come first, as they are there. */
function inOrder(files: FileSource, dir: string, paths: readonly string[]): string[] {
  const order = readText(files, `${dir}/modules.order`)?.split('\n') ?? [];
  const place = new Map(order.map((path, i) => [path, i]));
  const placeOf = (path: string): number =>
    place.get(path.replace(/\.(gz|xz|zst)$/, '')) ?? Number.POSITIVE_INFINITY;
  return paths
    .map((path, i) => ({ path, i, place: placeOf(path) }))
    .sort((a, b) => (a.place === b.place ? a.i - b.i : a.place - b.place))
    .map(({ path }) => path);
}

function treeKey(files: FileSource, dir: string, paths: readonly string[]): string | undefined {
  if (!files.stamp) return undefined;
  return paths.map((path) => `${path} ${files.stamp?.(`${dir}/${path}`) ?? ''}`).join('\n');
}

/** Finds who exports what each module imports. */
function link(modules: readonly ScannedModule[]): void {
  const owners = new Map<string, ScannedModule>();
  for (const module of modules) for (const symbol of module.facts.exports) owners.set(symbol, module);
  for (const module of modules) {
    for (const symbol of module.facts.imports) {
      const owner = owners.get(symbol);
      if (!owner || owner === module || module.dependencies.includes(owner)) continue;
      module.dependencies.push(owner);
      owner.users++;
    }
  }
}

/** Topological order with a stack, as depmod walks it: which of several possible orders it is shows in loading. */
function rank(modules: readonly ScannedModule[]): void {
  const users = new Map(modules.map((module) => [module, module.users]));
  const ready = modules.filter((module) => module.users === 0);
  let next = 0;
  for (let module = ready.pop(); module; module = ready.pop()) {
    module.rank = next++;
    for (const dependency of module.dependencies) {
      const left = users.get(dependency)! - 1;
      users.set(dependency, left);
      if (left === 0) ready.push(dependency);
    }
  }
}

function write(modules: readonly ScannedModule[]): IndexTexts {
  const dep: string[] = [];
  const alias: string[] = ['# Aliases extracted from modules themselves.\n'];
  const symbols: string[] = ['# Aliases for symbols, used by symbol_request().\n'];
  const softdep: string[] = ['# Soft dependencies extracted from modules themselves.\n'];
  for (const module of modules) {
    dep.push(
      `${module.path}:${closure(module)
        .map(({ path }) => ` ${path}`)
        .join('')}\n`,
    );
    for (const pattern of module.facts.aliases)
      alias.push(`alias ${normalizeName(pattern)} ${module.name}\n`);
    for (const symbol of module.facts.exports) symbols.push(`alias symbol:${symbol} ${module.name}\n`);
    for (const text of module.facts.softdeps) softdep.push(`softdep ${module.name} ${text}\n`);
  }
  return { dep: dep.join(''), alias: alias.join(''), symbols: symbols.join(''), softdep: softdep.join('') };
}

function closure(module: ScannedModule): ScannedModule[] {
  const found = new Set<ScannedModule>();
  const visit = (from: ScannedModule): void => {
    for (const dependency of from.dependencies) {
      if (dependency === module || found.has(dependency)) continue;
      found.add(dependency);
      visit(dependency);
    }
  };
  visit(module);
  return [...found].sort((a, b) => a.rank - b.rank);
}
