import type { ModuleFacts } from '../../depmod/facts.js';
import type { CacheFolder } from './cache-folder.js';
import type { Stamp } from './module-stamps.js';

/** Path in the file source -> stamp and facts. */
type KeptFacts = Readonly<Record<string, readonly [stamp: string, facts: ModuleFacts]>>;

/** Facts of the modules of each tree, so that only those that changed are read again. */
export class FactsCache {
  constructor(
    private readonly folder: CacheFolder,
    private readonly code: string,
  ) {}

  /** Facts of those files of a tree whose stamps are what they were. */
  get(directory: string, files: readonly string[], stamps: readonly Stamp[]): Map<string, ModuleFacts> {
    const found = new Map<string, ModuleFacts>();
    const bytes = this.folder.get(this.key(directory));
    if (!bytes) return found;
    const kept = new Map(Object.entries(JSON.parse(new TextDecoder().decode(bytes)) as KeptFacts));
    files.forEach((file, i) => {
      const entry = kept.get(file);
      if (entry && entry[0] === stamps[i]) found.set(file, entry[1]);
    });
    return found;
  }

  put(
    directory: string,
    files: readonly string[],
    stamps: readonly Stamp[],
    facts: ReadonlyMap<string, ModuleFacts>,
  ): void {
    const kept: [string, readonly [string, ModuleFacts]][] = [];
    files.forEach((file, i) => {
      const stamp = stamps[i];
      const known = facts.get(file);
      if (stamp !== undefined && known) kept.push([file, [stamp, known]]);
    });
    this.folder.put(this.key(directory), Buffer.from(JSON.stringify(Object.fromEntries(kept))));
  }

  private key(directory: string): string {
    return `facts ${this.code} ${directory}`;
  }
}
