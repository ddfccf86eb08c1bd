import { createHash } from 'node:crypto';
import type { IndexInputs, MadeIndex } from '../../depmod/make-index.js';
import type { Message } from '../../depmod/messages.js';
import type { TreeFile } from '../../depmod/tree-file.js';
import type { CacheFolder } from './cache-folder.js';
import type { Stamp } from './module-stamps.js';

/** Beginning of a kept index: the sizes of the files that follow it, and what was said. */
interface Header {
  readonly messages: readonly Message[];
  /** Undefined where depmod failed. */
  readonly files?: readonly { readonly name: string; readonly size: number }[];
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
    modules.forEach((module, i) => {
      hash.update(`${module.file}\0${stamps[i]}\0`);
    });
    for (const file of [order, builtin, builtinModinfo]) addFile(hash, file);
    if (kernelSymbols)
      hash.update(`${kernelSymbols.kind} ${kernelSymbols.content.length}\0`).update(kernelSymbols.content);
    return hash.digest('hex');
  }

  get(key: string): MadeIndex | undefined {
    const bytes = this.folder.get(key);
    if (!bytes) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const headerEnd = 4 + view.getUint32(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, headerEnd))) as Header;
    if (!header.files) return { files: undefined, messages: header.messages };
    const files = new Map<string, Uint8Array>();
    let at = headerEnd;
    for (const { name, size } of header.files) {
      files.set(name, bytes.subarray(at, at + size));
      at += size;
    }
    return { files, messages: header.messages };
  }

  put(key: string, { files, messages }: MadeIndex): void {
    const sizes = files && [...files].map(([name, { length }]) => ({ name, size: length }));
    const header = Buffer.from(
      JSON.stringify({ messages, ...(sizes ? { files: sizes } : {}) } satisfies Header),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32BE(header.length);
    this.folder.put(key, Buffer.concat([length, header, ...(files?.values() ?? [])]));
  }
}

function addFile(hash: ReturnType<typeof createHash>, file: TreeFile): void {
  if (file.kind === 'missing') hash.update(`missing ${file.warning}\0`);
  else hash.update(`content ${file.content.length}\0`).update(file.content);
}
