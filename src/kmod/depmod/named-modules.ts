import { type FileSource, infoOf } from '../../files/file-source.js';
import { DepmodFailure, type Say } from './messages.js';
import { foundModule, type ModuleOnDisk } from './search.js';

/** Modules that the command line names, absolute paths. Throws {@link DepmodFailure} after saying what is wrong. */
export function modulesByPath(
  files: FileSource,
  directory: string,
  paths: readonly string[],
  say: Say,
): ModuleOnDisk[] {
  const byName = new Map<string, ModuleOnDisk>();
  for (const path of paths) {
    const problem = path.startsWith('/') ? problemOf(files, path) : `${path}: not absolute path.\n`;
    if (problem !== undefined) fail(say, problem);
    const module = foundModule(directory, path);
    const other = byName.get(module.name);
    if (other?.file === path) {
      say('error', `hash_add_unique ${module.name}: File exists\n`);
      fail(say, `could not add module ${path}: File exists\n`);
    }
    if (other) {
      say(
        'error',
        `kmod_module '${module.name}' already exists with different path: new-path='${path}' old-path='${other.file}'\n`,
      );
      fail(say, `could not create module ${path}: File exists\n`);
    }
    byName.set(module.name, module);
  }
  return [...byName.values()];
}

function problemOf(files: FileSource, path: string): string | undefined {
  return infoOf(files, path) ? undefined : `could not create module ${path}: No such file or directory\n`;
}

function fail(say: Say, text: string): never {
  say('fatal', text);
  throw new DepmodFailure();
}
