import { Btf } from '../../formats/btf/index.js';
import { unpack } from '../../formats/compressed/unpack.js';
import { parseElf } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';
import type { LinuxTarget } from '../../target/index.js';

/** Reads a module that came with a kernel, by its path below lib/modules/RELEASE; undefined where it is not at hand. */
export type ModuleFileReader = (target: LinuxTarget, path: string) => Uint8Array | undefined;

/** The types that a module adds to its kernel's; undefined where it has none, or damaged ones, or is not at hand. */
export function moduleTypes(target: LinuxTarget, module: string, read: ModuleFileReader): Btf | undefined {
  const path = target.modules?.get(module)?.path;
  const packed = path === undefined ? undefined : read(target, path);
  if (path === undefined || packed === undefined) return undefined;
  const file = `${target.name}: ${path}`;
  try {
    const section = parseElf(unpack(packed, file), file).section('.BTF');
    return section && Btf.parseSplit(target.types, section.data, file);
  } catch (error) {
    // It is another module than the one that is checked, and only its types are asked for.
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
