import { createHash } from 'node:crypto';
import type { IndexInputs, MadeIndex } from '../../depmod/make-index.js';
import type { Message } from '../../depmod/messages.js';
import type { TreeFile } from '../../depmod/tree-file.js';
import type { CacheFolder } from './cache-folder.js';
import type { Stamp } from './module-stamps.js';
import { packFiles, unpackFiles } from './packed-files.js';

/** What is kept beside the files of an index. */
interface About {
  readonly messages: readonly Message[];
  /** depmod made no files. */
  readonly failed: boolean;
  /** It made only the first of them. */
  readonly incomplete: boolean;
}

/** Whole indices by everything that they are made of, `code` (what made them) included. */
export class MadeIndexCache {
  constructor(
    private readonly folder: CacheFolder,
    private readonly code: string,
  ) {}

  /** Undefined where a module could change without its stamp telling. */
  keyOf(inputs: IndexInputs, stamps: readonly Stamp[]): string | undefined {
    if (stamps.includes(undefined)) return undefined;
    const { modules, order, builtin, builtinModinfo, kernelSymbols, ...rest } = inputs;
    const hash = createHash('sha256');
    hash.update(JSON.stringify([this.code, rest]));
    hash.update(modules.map(({ file }, i) => `${file}\0${stamps[i]}\0`).join(''));
    for (const file of [order, builtin, builtinModinfo]) addFile(hash, file);
    if (kernelSymbols)
      hash.update(`${kernelSymbols.kind} ${kernelSymbols.content.length}\0`).update(kernelSymbols.content);
    return hash.digest('hex');
  }

  get(key: string): MadeIndex | undefined {
    const bytes = this.folder.get(key);
    if (!bytes) return undefined;
    const { about, files } = unpackFiles<About>(bytes);
    const { failed, incomplete, messages } = about;
    return { files: failed ? undefined : files, messages, ...(incomplete && { incomplete: true }) };
  }

  put(key: string, { files, messages, incomplete = false }: MadeIndex): void {
    const about: About = { messages, failed: !files, incomplete };
    this.folder.put(key, packFiles({ about, files: files ?? new Map() }));
  }
}

function addFile(hash: ReturnType<typeof createHash>, file: TreeFile): void {
  if (file.kind === 'missing') hash.update(`missing ${file.warning}\0`);
  else if (file.kind === 'directory') hash.update('directory\0');
  else hash.update(`content ${file.content.length}\0`).update(file.content);
}
