import { cleanPath, DIRECTORY, type FileInfo, type FileSource, infoOf } from '../../files/file-source.js';
import { globMatches } from '../../files/glob.js';
import { resolveInRoot } from '../../files/resolve-path.js';

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
        const found = paths.flatMap((path) => this.withTargets(name, path));
        if (found.length > 0) return found;
      }
    }
    return [];
  }

  private matching(directory: string, name: string): string[] {
    const exact = cleanPath(`${directory}/${name}`);
    if (!exact.startsWith(`${directory}/`)) return [];
    if (!/[*?[]/.test(name)) return [exact];
    const slash = name.lastIndexOf('/');
    const folder = cleanPath(`${directory}/${name.slice(0, slash + 1)}`);
    const pattern = name.slice(slash + 1);
    return (this.files.list(folder) ?? [])
      .filter((entry) => entry.kind !== 'directory' && globMatches(pattern, entry.name))
      .map((entry) => `${folder}/${entry.name}`);
  }

  /**
   * The symbolic links that a path leads over, and the file at its end; nothing of what lies behind a link is looked for
   * outside of the root. A link that leads nowhere, or to what is no file, is nothing.
   */
  private withTargets(name: string, start: string): FirmwareFile[] {
    const { files, root } = this;
    const within = start.slice(root.length);
    const found = resolveInRoot<FileInfo>(within, (path) => infoOf(files, `${root}${path}`), DIRECTORY);
    if (found.kind === 'missing' || found.node.kind !== 'file' || found.node.format !== undefined) return [];
    const links = found.links.map(({ path, target }) => ({
      name,
      path: `${root}${path}`,
      link: relativeTarget(path, target),
    }));
    return [...links, { name, path: `${root}${found.path}`, link: undefined }];
  }
}

/**
 * What to write in a link so that it leads to the same place from everywhere, also while its image is no root: an absolute
 * one, or one that climbs above the root, is made relative.
 */
function relativeTarget(path: string, target: string): string {
  const folder = path.slice(0, path.lastIndexOf('/'));
  const depth = folder.split('/').length - 1;
  if (!target.startsWith('/') && !climbs(target, depth)) return target;
  const place = cleanPath(target.startsWith('/') ? target : `${folder}/${target}`);
  return `${'../'.repeat(depth)}${place.slice(1)}` || '.';
}

/** Whether the text of a link leads above the root from a folder so many steps below it. */
function climbs(target: string, depth: number): boolean {
  let at = depth;
  for (const part of target.split('/')) {
    if (part === '..') at--;
    else if (part !== '' && part !== '.') at++;
    if (at < 0) return true;
  }
  return false;
}
