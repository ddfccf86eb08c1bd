import type { FileSource } from '../../files/file-source.js';
import type { ConfigProblem } from './modprobe-config.js';

/** depmod's files among the configuration: they take their place by their names. */
const INDEX_FILES = ['modules.softdep', 'modules.weakdep'] as const;

const REPORTER = 'conf_files_filter_out';

/**
 * The configuration's files in the order in which they are read: by name, wherever they are. `places` are
 * directories, whose `.conf` files count, or files; those that are not there are passed over.
 */
export function configFiles(
  files: FileSource,
  moduleDirectory: string,
  places: readonly string[],
  problems: ConfigProblem[],
): string[] {
  const byName = new Map<string, string>();
  const add = (name: string, path: string): void => {
    if (!byName.has(name)) byName.set(name, path);
  };
  for (const name of INDEX_FILES) add(name, `${moduleDirectory}/${name}`);
  for (const place of places) {
    const entries = files.list(place);
    if (!entries) {
      add(place.slice(place.lastIndexOf('/') + 1), place);
      continue;
    }
    for (const entry of entries)
      if (counts(files, place, entry, problems)) add(entry.name, `${place}/${entry.name}`);
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** Whether a name in a directory of configuration is one of its files. */
function counts(
  files: FileSource,
  place: string,
  { name, kind }: { readonly name: string; readonly kind: string },
  problems: ConfigProblem[],
): boolean {
  if (name.startsWith('.') || name.length < '?.conf'.length || !name.endsWith('.conf')) return false;
  const path = `${place}/${name}`;
  if (kind === 'directory') {
    problems.push({ reporter: REPORTER, text: `Directories inside directories are not supported: ${path}` });
    return false;
  }
  if (kind === 'other' && files.stamp && files.stamp(path) === undefined) {
    problems.push({ reporter: REPORTER, text: `Cannot stat directory entry: ${path}` });
    return false;
  }
  return true;
}
