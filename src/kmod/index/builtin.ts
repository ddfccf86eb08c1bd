import { type FileSource, readText } from '../../files/file-source.js';
import { type BuiltinModinfo, parseBuiltinModinfo } from '../../formats/modinfo.js';
import { EINVAL } from '../../linux/errno.js';
import { asByteText, byteText } from '../byte-text.js';
import { KmodError } from '../kmod-error.js';
import { moduleNameOf, normalizeName } from '../names.js';
import { AliasTable } from './depmod-index.js';

/** modules.builtin.modinfo as it is in the file tree. */
interface ModinfoText {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The modules that are part of the kernel image. */
export class BuiltinModules {
  private readonly paths = new Map<string, string>();
  private aliases: AliasTable | undefined;

  /**
   * `paths` as modules.builtin has them: `kernel/fs/ext4/ext4.ko`. `text` is the file that `modinfo` comes from,
   * where there is one.
   */
  constructor(
    paths: Iterable<string>,
    private readonly modinfo: () => readonly BuiltinModinfo[],
    private readonly text?: () => ModinfoText | undefined,
  ) {
    for (const path of paths) this.paths.set(moduleNameOf(path), path);
  }

  /** From the files in lib/modules/RELEASE; undefined where there are none. */
  static open(files: FileSource, dir: string): BuiltinModules | undefined {
    const list = readText(files, `${dir}/modules.builtin`);
    const path = `${dir}/modules.builtin.modinfo`;
    // Without the list modules.builtin.bin says what is built in, and this file still what that is.
    if (list === undefined && !files.read(path)) return undefined;
    const text = (): ModinfoText | undefined => {
      const bytes = files.read(path);
      return bytes && { path, bytes };
    };
    const modinfo = (): readonly BuiltinModinfo[] => {
      const bytes = files.read(path);
      return bytes ? parseBuiltinModinfo(bytes) : [];
    };
    return new BuiltinModules((list ?? '').split('\n').filter(Boolean), modinfo, text);
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

  /**
   * `key=value` byte texts of one module, in their order; undefined where the kernel is too old to have told.
   * As libkmod reads: only the first run of the module's strings counts, and what comes before has to be of the
   * form `MODULE.KEY=VALUE` (a KmodError where it is not).
   */
  strings(name: string): readonly string[] | undefined {
    if (!this.text) return this.parsedStrings(name);
    const text = this.text();
    return text && stringsOf(text, name);
  }

  private parsedStrings(name: string): readonly string[] | undefined {
    const found = this.modinfo().find(({ module }) => normalizeName(module) === name);
    return found?.modinfo.entries.map(({ key, value }) => asByteText(`${key}=${value}`));
  }

  private *allAliases(): Generator<readonly [string, string]> {
    for (const { module, modinfo } of this.modinfo())
      for (const alias of modinfo.all('alias')) yield [normalizeName(alias), normalizeName(module)];
  }
}

function stringsOf({ path, bytes }: ModinfoText, name: string): readonly string[] {
  const lines = byteText(bytes).split('\0');
  if (lines.at(-1) === '') lines.pop();
  const prefix = `${name}.`;
  const found: string[] = [];
  let offset = 0;
  for (const line of lines) {
    if (!line.includes('.'))
      throw new KmodError(EINVAL, path, offset, 'a string without a module in front', {
        where: 'get_strings',
        text: 'get_strings: unexpected string without modname prefix',
      });
    if (line.startsWith(prefix)) found.push(line.slice(line.indexOf('.') + 1));
    else if (found.length > 0) break;
    offset += line.length + 1;
  }
  return found;
}
