import type { DepmodConfig } from './config.js';
import type { ModuleOnDisk } from './search.js';

/**
 * Whether a module that was found keeps its place against another file of its name, as depmod.d(5) tells by
 * `override` and `search`.
 */
export function keepsItsPlace(
  config: DepmodConfig,
  directory: string,
  old: ModuleOnDisk,
  candidate: ModuleOnDisk,
): boolean {
  const oldPath = unpackedPath(directory, old);
  const newPath = unpackedPath(directory, candidate);
  for (const override of config.overrides) {
    if (newPath.relative === override) return false;
    if (oldPath.relative === override) return true;
  }
  return bestPlaces(config, newPath, oldPath);
}

/** A path without the module's ending. */
interface BarePath {
  readonly absolute: string;
  /** Undefined where it is not below lib/modules/RELEASE. */
  readonly relative: string | undefined;
}

function unpackedPath(directory: string, { path, name }: ModuleOnDisk): BarePath {
  const absolute = path.slice(0, path.lastIndexOf('/') + 1 + name.length);
  const relative = path.startsWith(directory) ? absolute.slice(directory.length + 1) : undefined;
  return { absolute, relative };
}

/**
 * Places in the list of what is searched, later (in the list: earlier in the files) being better. Of one entry for a
 * directory that both are in, only the new module is told so: of two in `updates`, the second wins.
 */
function bestPlaces(config: DepmodConfig, candidate: BarePath, old: BarePath): boolean {
  let place = 0;
  let builtin = -1;
  let newPlace = -1;
  let oldPlace = -1;
  for (const search of config.searches) {
    if (search.kind === 'built-in') builtin = place;
    else if (search.kind === 'external') {
      for (const external of config.externals) {
        if (isBelow(candidate.absolute, external)) newPlace = place;
        if (isBelow(old.absolute, external)) oldPlace = place;
        place++;
      }
    } else if (isBelow(candidate.relative, search.path)) newPlace = place;
    else if (isBelow(old.relative, search.path)) oldPlace = place;
    place++;
  }
  if (newPlace < 0) newPlace = builtin;
  if (oldPlace < 0) oldPlace = builtin;
  return newPlace <= oldPlace;
}

function isBelow(path: string | undefined, directory: string): boolean {
  return path?.startsWith(`${directory}/`) ?? false;
}
