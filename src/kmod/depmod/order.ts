import { PATH_MAX } from '../../files/limits.js';
import { hashOrder } from './hash-order.js';
import { linesOf } from './lines.js';
import type { Say } from './messages.js';
import type { ModuleOnDisk } from './search.js';

/** Buckets of kmod's table of modules. */
const BUCKETS = 512;

/**
 * Modules in the order in which depmod indexes them: first those that modules.order names, as it does, then the
 * others as they are in kmod's table. `order` is the content of modules.order; damage in it is said and the
 * order of the table stays.
 */
export function inIndexOrder(
  modules: readonly ModuleOnDisk[],
  order: Uint8Array | undefined,
  directory: string,
  say: Say,
): readonly ModuleOnDisk[] {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const inTable = hashOrder(byName.keys(), BUCKETS).map((name) => byName.get(name)!);
  if (!order) return inTable;
  const byPath = new Map(inTable.map((module) => [unpackedPath(module), module]));
  const named = new Set<ModuleOnDisk>();
  let number = 0;
  for (const line of linesOf(order, PATH_MAX)) {
    number++;
    if (line === '') continue;
    if (!line.endsWith('\n')) {
      say('error', `${directory}/modules.order:${number} corrupted line misses '\\n'\n`);
      return inTable;
    }
    const module = byPath.get(line.slice(0, -1));
    if (module) named.add(module);
  }
  return [...named, ...inTable.filter((module) => !named.has(module))];
}

/** The path with the ending `.ko`: modules.order knows no compression. Cut by length, as kmod does it. */
function unpackedPath({ relativePath, name }: ModuleOnDisk): string | undefined {
  return relativePath?.slice(0, relativePath.lastIndexOf('/') + 1 + name.length + '.ko'.length);
}
