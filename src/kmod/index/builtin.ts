import { type BuiltinModinfo, parseBuiltinModinfo } from '../../formats/modinfo.js';
import { type FileSource, readText } from '../file-source.js';
import { moduleNameOf, normalizeName } from '../names.js';
import { AliasTable } from './depmod-index.js';

/** The modules that are part of the kernel image. */
export class BuiltinModules {
  private readonly paths = new Map<string, string>();
  private aliases: AliasTable | undefined;

  /** `paths` as modules.builtin has them: `kernel/fs/ext4/ext4.ko`. */
  constructor(
    paths: Iterable<string>,
    private readonly modinfo: () => readonly BuiltinModinfo[],
  ) {
    for (const path of paths) this.paths.set(moduleNameOf(path), path);
  }

  /** From the files in lib/modules/RELEASE; undefined where there are none. */
  static open(files: FileSource, dir: string): BuiltinModules | undefined {
    const text = readText(files, `${dir}/modules.builtin`);
    if (text === undefined) return undefined;
    return new BuiltinModules(text.split('\n').filter(Boolean), () => {
      const bytes = files.read(`${dir}/modules.builtin.modinfo`);
      return bytes ? parseBuiltinModinfo(bytes) : [];
    });
  }

  has(name: string): boolean {
    return this.paths.has(name);
  }

  names(): readonly string[] {
    return [...this.paths.keys()];
  }

  withAlias(alias: string): readonly string[] {
    this.aliases ??= new AliasTable(this.allAliases());
    return this.aliases.lookup(alias);
  }

  private *allAliases(): Generator<readonly [string, string]> {
    for (const { module, modinfo } of this.modinfo())
      for (const alias of modinfo.all('alias')) yield [normalizeName(alias), normalizeName(module)];
  }
}
