import type { FileSource } from '../../files/file-source.js';
import { FormatError } from '../../formats/format-error.js';
import { type HintsRecord, readLinkerHints } from '../../formats/kld/index.js';
import { bestVersion, type ModuleNeed } from '../../kld/loader/preloaded.js';

type Version = Extract<HintsRecord, { kind: 'version' }>;
/** What linker.hints calls the kernel of its folder. */
const KERNEL = 'kernel';

/** Folders with klds, as the kernel's linker looks for modules in them: by their linker.hints, else by a file's own name. */
export class ModuleFolders {
  private readonly hinted = new Map<string, readonly Version[]>();

  constructor(
    private readonly files: FileSource,
    private readonly folders: readonly string[],
  ) {}

  /** Versions of a module that the folders' own kernel has built in. */
  builtIn(name: string): readonly Version[] {
    return this.folders.flatMap((folder) =>
      this.hints(folder).filter((one) => one.file === KERNEL && one.name === name),
    );
  }

  /** The file that has a module in the version that suits best, else one that is named like it. */
  fileOf(need: ModuleNeed): string | undefined {
    for (const folder of this.folders) {
      const known = this.hints(folder).filter(({ file, name }) => file !== KERNEL && name === need.name);
      const file = (bestVersion(known, need) ?? known[0])?.file ?? `${need.name}.ko`;
      const path = `${folder}/${file}`;
      if (this.files.read(path)) return path;
    }
    return undefined;
  }

  /** Files of what the folders' own kernel has built in as well. */
  partsOfKernel(): readonly string[] {
    return this.folders.flatMap((folder) => {
      const hints = this.hints(folder);
      const names = new Set(hints.filter(({ file }) => file === KERNEL).map(({ name }) => name));
      const files = hints.filter(({ file, name }) => file !== KERNEL && names.has(name));
      return [...new Set(files.map(({ file }) => `${folder}/${file}`))];
    });
  }

  /** One that is damaged, or of another version, counts as none. */
  private hints(folder: string): readonly Version[] {
    const known = this.hinted.get(folder);
    if (known) return known;
    const versions = this.read(`${folder}/linker.hints`).filter((record) => record.kind === 'version');
    this.hinted.set(folder, versions);
    return versions;
  }

  private read(path: string): readonly HintsRecord[] {
    const bytes = this.files.read(path);
    if (!bytes) return [];
    try {
      return readLinkerHints(bytes, path);
    } catch (error) {
      if (error instanceof FormatError) return [];
      throw error;
    }
  }
}
