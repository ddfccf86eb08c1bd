import type { IndexCache } from '../../../kmod/index.js';
import { CacheFolder } from '../../../kmod/node/depmod/cache-folder.js';
import { packFiles, unpackFiles } from '../../../kmod/node/depmod/packed-files.js';

/** Keeps indices of module trees in the user's cache; MODBOX_CACHE=off does without. */
export class DiskIndexCache implements IndexCache {
  constructor(private readonly folder: CacheFolder | undefined = CacheFolder.open(process.env)) {}

  get(key: string): ReadonlyMap<string, Uint8Array> | undefined {
    const bytes = this.folder?.get(key);
    return bytes && unpackFiles<null>(bytes).files;
  }

  put(key: string, files: ReadonlyMap<string, Uint8Array>): void {
    this.folder?.put(key, packFiles({ about: null, files }));
  }
}
