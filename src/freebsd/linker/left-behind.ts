import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { type Leaver, type LeftBehind, LeftBehindFinder } from '../../kernel/modules/left-behind.js';
import { Code } from '../kern/code.js';
import { Malloc } from '../kern/malloc.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { KernLinker } from './kern-linker.js';
import type { LinkerFile } from './linker-file.js';

/** Things that are told of: a module can leave any number. */
const MOST_TOLD = 1000;

/** Looks, before a file's memory goes, for what would still run its code or use its data, and for memory that it wrote to after freeing it. */
export class LeftBehinds implements Subsystem {
  readonly exports = {};
  /** Everything that was found, in order. */
  readonly found: LeftBehind[] = [];
  private readonly finder: LeftBehindFinder;

  constructor(private readonly k: FreebsdKernel) {
    this.finder = new LeftBehindFinder(k, k.origins);
  }

  boot(): void {
    this.k.get(KernLinker).listen(({ file, state }) => {
      if (state === 'going' && file.mapped > 0) this.look(file);
    });
  }

  private look(file: LinkerFile): void {
    const leaver = this.leaver(file);
    const seen = new Set<Ptr>();
    for (const holding of this.finder.find(leaver, this.k.holdings())) {
      if (seen.has(holding.at) || this.found.length >= MOST_TOLD) continue;
      for (const at of [holding.at, ...(holding.parts ?? [])]) seen.add(at);
      this.tell(file, leaver, holding);
    }
    for (const defect of this.k.slab.check()) this.k.get(Malloc).report(defect);
    this.k.origins.drop((at, { caller, serial }) => leaver.contains(at) || leaver.made({ caller, serial }));
  }

  private leaver(file: LinkerFile): Leaver {
    const { history } = this.k.get(Code);
    const { filename: name, mark } = file;
    return {
      contains: (ptr) => file.contains(ptr),
      made: ({ caller, serial }) => history.wasIn({ name, mark }, caller, serial),
    };
  }

  private tell(file: LinkerFile, leaver: Leaver, holding: Holding): void {
    const { k } = this;
    const code = k.get(Code);
    const fn = this.finder.ownPointer(leaver, holding) ?? holding.at;
    const origin = this.finder.originIn(leaver, holding);
    const entry: LeftBehind = {
      kind: holding.kind,
      name: holding.name() || (code.symbolAt(fn)?.name ?? ''),
      registeredBy: origin ? code.history.symbolize(origin.caller, origin.serial) : code.symbolize(fn),
      module: file.filename,
    };
    this.found.push(entry);
    const named = entry.name === '' ? '' : ` '${entry.name}'`;
    const message = `modbox: ${file.filename} left its ${entry.kind}${named} behind, registered by ${entry.registeredBy}`;
    const address = k.space.toAddress(holding.at);
    k.trap.reports.add({ kind: 'left-behind', message, address, at: fn, culprit: file.filename }, undefined);
  }
}
