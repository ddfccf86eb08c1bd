import { type FileSource, infoOf } from '../../files/file-source.js';
import { S_IFREG } from '../../files/mode.js';
import { FormatError } from '../../formats/format-error.js';
import { DEFAULT_MODULE_PATH, type HintsRecord, readLinkerHints } from '../../formats/kld/index.js';
import { bestVersion, type ModuleNeed } from './preloaded.js';

/** What a name may have behind it, in this order. */
const EXTENSIONS = ['.ko', '', '.debug'] as const;

/** Finds files in the directories of module_path, as the loader does. */
export class ModuleSearch {
  constructor(
    private readonly files: FileSource,
    private readonly path: () => string | undefined,
  ) {}

  /** A kld by its name, with or without its extension, or by its path. */
  kld(name: string): string | undefined {
    return this.file(name, EXTENSIONS);
  }

  /** A file by its name, or by its path. */
  plain(name: string): string | undefined {
    return this.file(name, ['']);
  }

  /** The file that has a module, of a version that will do where that is asked for: by linker.hints, else by its name. */
  module(name: string, need?: ModuleNeed): string | undefined {
    for (const directory of this.directories()) {
      const found = this.moduleIn(directory, name, need);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private moduleIn(directory: string, name: string, need: ModuleNeed | undefined): string | undefined {
    const versions = this.hints(directory).filter(
      (record) => record.kind === 'version' && record.name === name,
    );
    const best = bestVersion(
      versions.flatMap((record) => (record.kind === 'version' ? [record] : [])),
      need,
    );
    const hinted = best && this.lookUp(directory, best.file, ['']);
    if (hinted !== undefined) return hinted;
    // What linker.hints names and is not there is not looked for by the module's name.
    return best ? undefined : this.lookUp(directory, name, EXTENSIONS);
  }

  /** A linker.hints that is damaged, or of another version, counts as none. */
  private hints(directory: string): readonly HintsRecord[] {
    const path = `${directory}/linker.hints`;
    const bytes = this.files.read(path);
    if (!bytes) return [];
    try {
      return readLinkerHints(bytes, path);
    } catch (error) {
      if (error instanceof FormatError) return [];
      throw error;
    }
  }

  private file(name: string, extensions: readonly string[]): string | undefined {
    if (name === '') return '';
    if (name.includes('/')) return infoOf(this.files, name) ? name : undefined;
    for (const directory of this.directories()) {
      const found = this.lookUp(directory, name, extensions);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private lookUp(directory: string, name: string, extensions: readonly string[]): string | undefined {
    const base = directory === '' || directory.endsWith('/') ? directory : `${directory}/`;
    return extensions.map((extension) => base + name + extension).find((path) => this.isRegular(path));
  }

  private isRegular(path: string): boolean {
    const info = infoOf(this.files, path);
    if (info?.kind === 'symlink') return this.files.read(path) !== undefined;
    return info?.kind === 'file' && (info.format === undefined || info.format === S_IFREG);
  }

  private directories(): readonly string[] {
    const parts = (this.path() ?? DEFAULT_MODULE_PATH).split(';');
    if (parts.at(-1) === '') parts.pop();
    return [...new Set(parts.map((part) => part.replace(/(?<=.)\/+$/, '')))];
  }
}
