import { parseElf } from '../../formats/elf/index.js';
import { FormatError } from '../../formats/format-error.js';

import { layoutModule } from './layout.js';

/**
 * Bytes that a module would have in /proc/modules of a kernel of a release; undefined where that cannot be told, of a damaged
 * file for instance. From 6.4 on each kind of its memory is an allocation of its own.
 */
export function moduleSize(unpacked: Uint8Array, release: string): number | undefined {
  try {
    const { memories } = layoutModule(parseElf(unpacked, 'module'), isFrom(release, 6, 4));
    return memories.filter(({ init }) => !init).reduce((sum, { size }) => sum + size, 0);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return undefined;
  }
}

function isFrom(release: string, major: number, minor: number): boolean {
  const [, ownMajor = 0, ownMinor = 0] = /^(\d+)\.(\d+)/.exec(release)?.map(Number) ?? [];
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
