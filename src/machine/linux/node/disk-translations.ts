import type { TranslationStore } from '../../../cpu/runtime/code-cache.js';
import { CacheFolder } from '../../../kmod/node/depmod/cache-folder.js';
import { joinEntries, splitEntries } from './entry-pack.js';
import { translatorVersion } from './translator-version.js';

/** What the folder may hold. Each module has two or three files. */
const BOUNDS = { files: 4096, bytes: 64 * 1024 * 1024, looksEvery: 256 };
/** What one file may hold: the entries that came first go first. */
const MAX_PACK_BYTES = 2 * 1024 * 1024;
/** Files whose entries are kept in memory. */
const MAX_LOADED = 64;

/** The entries of one file: those that are there, and those to be added. */
interface Loaded {
  readonly stored: readonly Uint8Array[];
  readonly added: Uint8Array[];
}

/**
 * Keeps translations of machine code in files of a folder, one for each place that code is at. They are written with `flush`, and when
 * the process ends. Of what two processes write at the same time one may be lost, and is made again then.
 */
export class DiskTranslations implements TranslationStore {
  private readonly loaded = new Map<string, Loaded>();

  /** `version`: translations of another one are not found. */
  constructor(
    private readonly folder: CacheFolder,
    private readonly version: string,
  ) {}

  load(key: string): readonly Uint8Array[] {
    const { stored, added } = this.of(key);
    return added.length > 0 ? [...stored, ...added] : stored;
  }

  save(key: string, entry: Uint8Array): void {
    this.of(key).added.push(entry);
  }

  flush(): void {
    for (const [key, { added }] of this.loaded) {
      if (added.length === 0) continue;
      // What another process has written since is kept.
      const stored = this.read(key);
      const missing = added.filter((entry) => !stored.some((other) => Buffer.compare(entry, other) === 0));
      const entries = withinBound([...stored, ...missing]);
      this.folder.put(this.nameOf(key), joinEntries(entries));
      this.loaded.set(key, { stored: entries, added: [] });
    }
    if (this.loaded.size > MAX_LOADED) this.loaded.clear();
  }

  private of(key: string): Loaded {
    const known = this.loaded.get(key);
    if (known) return known;
    const made = { stored: this.read(key), added: [] };
    this.loaded.set(key, made);
    return made;
  }

  private read(key: string): readonly Uint8Array[] {
    const bytes = this.folder.get(this.nameOf(key));
    return bytes ? splitEntries(bytes) : [];
  }

  private nameOf(key: string): string {
    return `${this.version} ${key}`;
  }
}

/** The last entries that are not more than one file may hold. */
function withinBound(entries: readonly Uint8Array[]): readonly Uint8Array[] {
  let bytes = 0;
  let first = entries.length;
  while (first > 0 && bytes + entries[first - 1].length <= MAX_PACK_BYTES) bytes += entries[--first].length;
  return entries.slice(first);
}

let ofUser: DiskTranslations | undefined;

/**
 * Those in the user's cache, one for all machines of the process; undefined where MODBOX_CACHE or MODBOX_TRANSLATIONS is `off`, and
 * where the version of the translator is not known.
 */
export function userTranslations(): DiskTranslations | undefined {
  if (ofUser) return ofUser;
  if (process.env.MODBOX_TRANSLATIONS === 'off') return undefined;
  const folder = CacheFolder.open(process.env, 'translations', BOUNDS);
  const version = folder && translatorVersion();
  if (!folder || version === undefined) return undefined;
  const translations = new DiskTranslations(folder, version);
  process.on('exit', () => translations.flush());
  ofUser = translations;
  return translations;
}
