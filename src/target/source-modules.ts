import { unpack } from '../formats/compressed/unpack.js';
import { parseElf } from '../formats/elf/index.js';
import { FormatError } from '../formats/format-error.js';
import { moduleNameOf, type ReadModule, readModule } from './module-table.js';

const MODULE = /^(?:usr\/)?lib\/modules\/([^/]+)\/(.+\.ko(?:\.\w+)?)$/;

/** The release and the path below lib/modules/RELEASE of a module's file; undefined for any other. */
export function moduleFile(path: string): { readonly release: string; readonly path: string } | undefined {
  const match = MODULE.exec(path);
  return match ? { release: match[1], path: match[2] } : undefined;
}

/** Gathers the modules of a source, release by release, as their files are met. */
export class SourceModules {
  private readonly found = new Map<string, Map<string, ReadModule>>();

  constructor(private readonly source: string) {}

  /** Reads a module's file, packed or not. One that is damaged is nobody's provider, and is left out. */
  add(release: string, path: string, packed: Uint8Array): void {
    const module = this.read(path, packed);
    if (!module) return;
    const modules = this.found.get(release) ?? new Map<string, ReadModule>();
    const name = moduleNameOf(path);
    const known = modules.get(name);
    if (!known || isPreferred(path, known.path)) modules.set(name, module);
    this.found.set(release, modules);
  }

  of(release: string): readonly ReadModule[] {
    return [...(this.found.get(release)?.values() ?? [])];
  }

  private read(path: string, packed: Uint8Array): ReadModule | undefined {
    const file = `${this.source}: ${path}`;
    try {
      return readModule(parseElf(unpack(packed, file), file), path);
    } catch (error) {
      if (error instanceof FormatError) return undefined;
      throw error;
    }
  }
}

/** depmod.d(5): `updates` comes before all else, unless a configuration says otherwise. */
function isPreferred(path: string, known: string): boolean {
  return path.startsWith('updates/') && !known.startsWith('updates/');
}
