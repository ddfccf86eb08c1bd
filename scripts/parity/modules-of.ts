import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Every module of a tree, by name. */
export function modulesOf(tree: string): string[] {
  const files = readdirSync(join(tree, 'lib/modules'), { recursive: true, encoding: 'utf8' });
  const modules = files.filter((file) => /\.ko(\.\w+)?$/.test(file));
  return modules.map((file) => basename(file).replace(/\.ko(\.\w+)?$/, '')).sort();
}
