import { type FileSource, MemoryFiles } from '../../files/file-source.js';
import { DEFAULT_CONFIG, type DepmodConfig } from './config.js';
import { readFacts } from './facts.js';
import { makeIndex } from './make-index.js';
import { DepmodFailure, type Message, saysNothing } from './messages.js';
import { type ModuleOnDisk, searchModules } from './search.js';
import { type TreeFile, treeFile } from './tree-file.js';

/** What cannot be read of a tree that depmod never saw says nothing. */
const EMPTY: TreeFile = { kind: 'content', content: new Uint8Array() };

/** Keeps an index by a key that changes when the tree does. */
export interface IndexCache {
  get(key: string): ReadonlyMap<string, Uint8Array> | undefined;
  put(key: string, files: ReadonlyMap<string, Uint8Array>): void;
}

export interface IndexTreeOptions {
  /** depmod.d(5); what counts without any by default. */
  readonly config?: DepmodConfig;
  /** Only the text files. */
  readonly textOnly?: boolean;
  /** Leave out files whose symbols cannot be read, which depmod has in its index. */
  readonly soundOnly?: boolean;
  /** Keeps the index, where the file source has stamps. */
  readonly cache?: IndexCache;
}

/**
 * depmod's files for lib/modules/RELEASE (`directory`, a path of the source), by name; empty where there is no such
 * directory. What is wrong with single modules leaves them without symbols and aliases, as with depmod. Throws
 * {@link DepmodFailure} where there can be no index: modules that need each other in circles.
 */
export function indexTree(
  files: FileSource,
  directory: string,
  options: IndexTreeOptions = {},
): ReadonlyMap<string, Uint8Array> {
  if (!files.list(directory)) return new Map();
  const modules = searchModules(files, directory, options.config ?? DEFAULT_CONFIG, saysNothing);
  const { cache, textOnly = false, soundOnly = false } = options;
  const key = cache && treeKey(files, directory, modules, `${textOnly} ${soundOnly}`);
  const kept = key === undefined ? undefined : cache?.get(key);
  if (kept) return kept;
  const facts = new Map(readFacts(files, modules).map((known, i) => [modules[i], known]));
  const isSound = (module: ModuleOnDisk): boolean => facts.get(module)?.problem === undefined;
  const builtinModinfo = treeFile(files, directory, 'modules.builtin.modinfo');
  const made = makeIndex(
    {
      directory,
      modules: soundOnly ? modules.filter(isSound) : modules,
      order: treeFile(files, directory, 'modules.order'),
      builtin: treeFile(files, directory, 'modules.builtin'),
      builtinModinfo: builtinModinfo.kind === 'directory' ? EMPTY : builtinModinfo,
      symbolPrefix: '',
      reportUnknown: false,
      warnDuplicates: false,
      textOnly,
      showNeeds: false,
    },
    (found) => found.map((module) => facts.get(module)!),
  );
  if (!made.files || made.incomplete) throw new DepmodFailure(`${directory}: ${errorsOf(made.messages)}`);
  if (key !== undefined) cache?.put(key, made.files);
  return made.files;
}

/** The index of a tree that has none, as files beside its modules. */
export function indexFiles(files: FileSource, directory: string, cache?: IndexCache): MemoryFiles {
  const made = indexTree(files, directory, { textOnly: true, soundOnly: true, ...(cache ? { cache } : {}) });
  return new MemoryFiles([...made].map(([name, content]) => [`${directory}/${name}`, content] as const));
}

const OTHER_INPUTS = ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'];

/** Undefined where the source cannot tell whether a file changed. */
function treeKey(
  files: FileSource,
  directory: string,
  modules: readonly ModuleOnDisk[],
  variant: string,
): string | undefined {
  if (!files.stamp) return undefined;
  const inputs = [...modules.map(({ file }) => file), ...OTHER_INPUTS.map((name) => `${directory}/${name}`)];
  const stamps = inputs.map((file) => `${file} ${files.stamp?.(file) ?? ''}`);
  return [`depmod 1 ${variant}`, ...stamps].join('\n');
}

function errorsOf(messages: readonly Message[]): string {
  return messages
    .filter(({ level }) => level === 'error' || level === 'fatal')
    .map(({ text }) => text.trim())
    .join('; ');
}
