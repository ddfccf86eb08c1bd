import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FileSource } from '../../../files/file-source.js';
import { type ModuleFacts, readFacts } from '../../depmod/facts.js';
import { type IndexInputs, type MadeIndex, makeIndex } from '../../depmod/make-index.js';
import { type DepmodHost, depmodWith } from '../../tools/depmod.js';
import type { Steps } from '../../tools/tool.js';
import { DiskFiles } from '../disk-files.js';
import { DiskWriter } from '../disk-writer.js';
import { CacheFolder } from './cache-folder.js';
import { FactsCache } from './facts-cache.js';
import { MadeIndexCache } from './index-cache.js';
import { stampOf } from './module-stamps.js';
import { readModules } from './read-modules.js';

/** Where depmod runs on a host's disk. */
export interface DiskDepmodHost extends Omit<DepmodHost, 'writer'> {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The directory of the host that stands for "/", '' for the disk itself. */
  readonly root: string;
}

/** depmod(8) on the disk: in threads where that pays, and from the cache where nothing changed. The exit status. */
export async function runDepmod(host: DiskDepmodHost, args: readonly string[]): Promise<number> {
  const maker = new DiskIndexMaker(CacheFolder.open(host.environment));
  const withWriter = Object.assign(Object.create(host) as DiskDepmodHost, {
    writer: new DiskWriter(host.root),
  });
  const steps = depmodWith(withWriter, args, (inputs, files) => maker.make(inputs, files));
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    await step.value;
  }
}

/** Makes indices of trees on the disk. */
class DiskIndexMaker {
  private readonly made: MadeIndexCache | undefined;
  private readonly facts: FactsCache | undefined;

  constructor(folder: CacheFolder | undefined) {
    this.made = folder && new MadeIndexCache(folder, codeStamp());
    this.facts = folder && new FactsCache(folder, codeStamp());
  }

  *make(inputs: IndexInputs, source: FileSource): Steps<Promise<void>, MadeIndex> {
    if (!(source instanceof DiskFiles)) return makeIndex(inputs, (modules) => readFacts(source, modules));
    const { made } = this;
    const files = inputs.modules.map(({ file }) => file);
    // What is not there, or a device, is nowhere: opening '' fails.
    const places = new Map(files.map((file) => [file, readableAt(source, file) ?? '']));
    // Taken before anything is read: what changes after this has another stamp the next time.
    const stamps = made ? files.map((file) => stampOf(places.get(file)!)) : [];
    const key = made?.keyOf(inputs, stamps);
    const kept = key === undefined ? undefined : made?.get(key);
    if (kept) return kept;
    const directory = source.locate(inputs.directory)?.host ?? inputs.directory;
    const facts = this.facts?.get(directory, files, stamps) ?? new Map<string, ModuleFacts>();
    const missing = files.filter((file) => !facts.has(file));
    yield this.read(missing, places, facts);
    const index = makeIndex(inputs, (modules) => modules.map(({ file }) => facts.get(file)!));
    if (missing.length > 0) this.facts?.put(directory, files, stamps, facts);
    if (key !== undefined) made?.put(key, index);
    return index;
  }

  private async read(
    files: readonly string[],
    places: ReadonlyMap<string, string>,
    facts: Map<string, ModuleFacts>,
  ): Promise<void> {
    const found = await readModules(files.map((file) => ({ path: places.get(file)!, file })));
    files.forEach((file, i) => {
      facts.set(file, found[i]);
    });
  }
}

function readableAt(files: DiskFiles, path: string): string | undefined {
  const found = files.locate(path);
  return found?.stat.isFile() || found?.stat.isDirectory() ? found.host : undefined;
}

/** Changes when modbox does: what another version kept is not to be trusted. */
function codeStamp(): string {
  const file = fileURLToPath(import.meta.url);
  const stat = statSync(file, { throwIfNoEntry: false });
  return `${file} ${stat?.size} ${stat?.mtimeMs}`;
}
