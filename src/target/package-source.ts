import { type DebOptions, debFiles } from '../formats/archive/deb.js';
import { isTargetFile, type TargetSource } from './source.js';
import { moduleFile, SourceModules } from './source-modules.js';

/**
 * A Debian kernel package (`linux-image-*.deb`) as a source: one pass over it, keeping what a target needs. Modules
 * are read as they pass by.
 */
export function debSource(bytes: Uint8Array, name: string, options: DebOptions = {}): TargetSource {
  const contents = new Map<string, Uint8Array>();
  const modules = new SourceModules(name);
  const wanted = (path: string): boolean => isTargetFile(path) || moduleFile(path) !== undefined;
  for (const entry of debFiles(bytes, name, wanted, options)) {
    if (entry.type !== 'file' || entry.data === undefined) continue;
    const module = moduleFile(entry.path);
    if (module) modules.add(module.release, module.path, entry.data);
    else contents.set(entry.path, entry.data);
  }
  // Where the image has no vermagic any module tells it: keep none for now, the image always has had one.
  return { ...memorySource(name, contents), modules: (release) => modules.of(release) };
}

/** Files that are in memory: what a browser has, or one image by itself. */
export function memorySource(name: string, contents: ReadonlyMap<string, Uint8Array>): TargetSource {
  return {
    name,
    files: [...contents.keys()],
    read(path) {
      const bytes = contents.get(path);
      if (bytes === undefined) throw new Error(`${name}: ${path} was not kept`);
      return bytes;
    },
    modules(release) {
      const found = new SourceModules(name);
      for (const [path, bytes] of contents) {
        const module = moduleFile(path);
        if (module?.release === release) found.add(release, module.path, bytes);
      }
      return found.of(release);
    },
  };
}
