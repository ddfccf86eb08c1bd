import { cleanPath, type FileSource, infoOf } from '../file-source.js';
import { globMatches } from '../glob.js';

/** A file of firmware: `name` as the module asks for it, `path` where it lies in the tree. */
export interface FirmwareFile {
  readonly name: string;
  readonly path: string;
  /** Where a symbolic link at `path` leads, as it is written there. */
  readonly link: string | undefined;
}

/** How firmware may be packed: the kernel looks for each (CONFIG_FW_LOADER_COMPRESS). */
const PACKED = ['', '.zst', '.xz'] as const;

/**
 * Finds firmware below a root in the directories of the kernel's built-in search path
 * (Documentation/driver-api/firmware/fw_search_path.rst).
 */
export class FirmwareTree {
  private readonly directories: readonly string[];

  constructor(
    private readonly files: FileSource,
    private readonly root: string,
    release: string,
  ) {
    this.directories = [`updates/${release}`, 'updates', release, ''].map((below) =>
      cleanPath(`${root}/lib/firmware/${below}`),
    );
  }

  /**
   * The files that a `firmware=` of a module stands for, with what symbolic links on the way lead to. It may
   * hold wildcards. Empty where there is none.
   */
  find(name: string): readonly FirmwareFile[] {
    for (const directory of this.directories) {
      for (const ending of PACKED) {
        const paths = this.matching(directory, `${name}${ending}`);
        if (paths.length > 0) return paths.flatMap((path) => this.withTargets(name, path));
      }
    }
    return [];
  }

  private matching(directory: string, name: string): string[] {
    const exact = cleanPath(`${directory}/${name}`);
    if (!exact.startsWith(`${directory}/`)) return [];
    if (!/[*?[]/.test(name)) return infoOf(this.files, exact) ? [exact] : [];
    const slash = name.lastIndexOf('/');
    const folder = cleanPath(`${directory}/${name.slice(0, slash + 1)}`);
    const pattern = name.slice(slash + 1);
    return (this.files.list(folder) ?? [])
      .filter((entry) => entry.kind !== 'directory' && globMatches(pattern, entry.name))
      .map((entry) => `${folder}/${entry.name}`);
  }

  /** A file, or a symbolic link with everything that it leads over and to. A link that leads nowhere is nothing. */
  private withTargets(name: string, start: string): FirmwareFile[] {
    const found: FirmwareFile[] = [];
    const seen = new Set<string>();
    for (let path = start; !seen.has(path); ) {
      seen.add(path);
      const info = infoOf(this.files, path);
      if (!info || info.kind === 'directory') return [];
      found.push({ name, path, link: info.kind === 'symlink' ? info.target : undefined });
      if (info.kind === 'file') return found;
      path = this.targetOf(path, info.target ?? '');
    }
    return [];
  }

  private targetOf(path: string, target: string): string {
    if (target.startsWith('/')) return cleanPath(`${this.root}${target}`);
    return cleanPath(`${path.slice(0, path.lastIndexOf('/'))}/${target}`);
  }
}
