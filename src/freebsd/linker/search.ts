import { FormatError } from '../../formats/format-error.js';
import { type HintsRecord, readLinkerHints } from '../../formats/kld/index.js';
import { KernMib } from '../kern/kern-mib.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { VersionRange } from './metadata.js';

/** What may stand behind a name (linker_ext_list). */
const EXTENSIONS = ['', '.ko'];
/** LINKER_HINTS_MAX: what is larger is not read. */
const HINTS_MAX = 1 << 20;

/** Finds files of modules in the folders of kern.module_path (linker_search_kld(), linker_search_module() of sys/kern/kern_linker.c). */
export class ModuleSearch {
  constructor(private readonly k: FreebsdKernel) {}

  /** kern.module_path. */
  get path(): string {
    return this.k.get(KernMib).modulePath;
  }

  /** Modules that hints say are part of a tree's kernel, and that have files beside it: their paths. */
  kernelParts(): readonly string[] {
    const paths = new Set<string>();
    for (const folder of this.folders) {
      const hints = this.hints(folder) ?? [];
      const builtIn = new Set(
        hints.flatMap((one) => (one.kind === 'version' && one.file === 'kernel' ? [one.name] : [])),
      );
      for (const one of hints) {
        if (one.kind !== 'version' || one.file === 'kernel' || !builtIn.has(one.name)) continue;
        const path = this.file(folder, one.file);
        if (path !== undefined) paths.add(path);
      }
    }
    return [...paths];
  }

  private get folders(): readonly string[] {
    return this.path.split(';').filter((folder) => folder !== '');
  }

  /** The file of a name that has a dot or a slash in it. */
  kld(name: string): string | undefined {
    if (name.includes('/')) return name;
    for (const folder of this.folders) {
      const found = this.file(folder, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The file of a module by name, of the version that suits best: by the hints of each folder, else by its own name. */
  module(name: string, range?: VersionRange): string | undefined {
    for (const folder of this.folders) {
      const found = this.inFolder(folder, name, range);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private inFolder(folder: string, name: string, range: VersionRange | undefined): string | undefined {
    const hints = this.hints(folder);
    const best = hints && bestOf(hints, name, range);
    // Without any word on it in the hints the file's name stands for the module's.
    if (best === undefined) return this.file(folder, name);
    const path = this.file(folder, best);
    if (path !== undefined) this.warnNewer(folder, path);
    return path;
  }

  private hints(folder: string): readonly HintsRecord[] | undefined {
    const path = joined(folder, 'linker.hints');
    const bytes = this.k.files.readFile(path);
    if (!bytes) return undefined;
    const { line } = { line: (text: string) => this.k.get(SubrPrf).line(text) };
    if (bytes.length > HINTS_MAX) {
      line(`linker.hints file too large ${bytes.length}`);
      return undefined;
    }
    const known = this.read.get(bytes);
    if (known) return known;
    try {
      const records = readLinkerHints(bytes, path);
      this.read.set(bytes, records);
      return records;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      line(`modbox: ${error.message}`);
      return undefined;
    }
  }

  private readonly read = new WeakMap<Uint8Array, readonly HintsRecord[]>();

  private warnNewer(folder: string, path: string): void {
    const [hints, file] = [joined(folder, 'linker.hints'), path].map((one) => this.k.files.locate(one));
    if (typeof hints === 'number' || typeof file === 'number' || !hints.node || !file.node) return;
    if (Math.floor(file.node.mtime) > Math.floor(hints.node.mtime))
      this.k.get(SubrPrf).line(`warning: KLD '${path}' is newer than the linker.hints file`);
  }

  /** linker_lookup_file(): a regular file of that name, with or without its extension. */
  private file(folder: string, name: string): string | undefined {
    for (const extension of EXTENSIONS) {
      const path = joined(folder, `${name}${extension}`);
      const found = this.k.files.locate(path);
      if (typeof found !== 'number' && found.node?.kind === 'file') return path;
    }
    return undefined;
  }
}

function joined(folder: string, name: string): string {
  return folder.endsWith('/') ? `${folder}${name}` : `${folder}/${name}`;
}

/** The file that hints name for a module: of the preferred version, else of the highest in the range. */
function bestOf(
  hints: readonly HintsRecord[],
  name: string,
  range: VersionRange | undefined,
): string | undefined {
  let best: { readonly version: number; readonly file: string } | undefined;
  for (const record of hints) {
    // The kernel of a tree has more built in than the base kernel, which takes the files that there are of it.
    if (record.kind !== 'version' || record.name !== name || record.file === 'kernel') continue;
    if (!range || record.version === range.preferred) return record.file;
    const { version, file } = record;
    const fits = version >= range.minimum && version <= range.maximum;
    if (fits && version > (best?.version ?? 0)) best = { version, file };
  }
  return best?.file;
}
