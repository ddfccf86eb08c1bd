import type { Ptr } from '../../cpu/layout.js';
import { type Leaver, type LeftBehind, LeftBehindFinder } from '../../kernel/modules/left-behind.js';
import { type Holding, KOBJECT } from '../holding.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { ModuleHistory } from '../kallsyms/module-history.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolAt } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { SlabExports } from '../mm/slab.js';
import type { Subsystem } from '../subsystem.js';

/** Things that are told of: a module can leave millions of files. */
const MOST_TOLD = 1000;

/**
 * Looks, after a module's exit function ran (or its init failed) and before its memory goes, for what would
 * still run its code or use its data, and for memory that it wrote to after freeing it. The real kernel finds
 * out by crashing later; here each is reported at once. Subsystems say themselves what they hold.
 */
export class LeftBehinds implements Subsystem {
  readonly exports = {};
  /** Everything that was found, in order. */
  readonly found: LeftBehind[] = [];
  private readonly finder: LeftBehindFinder<Holding>;

  constructor(private readonly k: LinuxKernel) {
    this.finder = new LeftBehindFinder(k, k.origins);
  }

  /** Reports what a module leaves. */
  report(module: LoadedModule): void {
    const own = this.finder.find(this.leaver(module), this.k.holdings());
    for (const holding of withoutParts(own)) if (this.found.length < MOST_TOLD) this.tell(module, holding);
    for (const defect of this.k.slab.check()) this.k.get(SlabExports).report(defect);
  }

  /** References that a module which could not be removed has from its own code: nobody will give them back. */
  reportReferences(module: LoadedModule): void {
    const history = this.k.get(ModuleHistory);
    const modules = this.k.get(Modules);
    if (module.usedBy.length > 0) return;
    for (const { caller, serial } of modules.takersOf(module).slice(-modules.refcount(module))) {
      if (!history.wasIn(module, caller, serial)) continue;
      const registeredBy = history.symbolize(caller, serial);
      this.found.push({ kind: 'module reference', name: module.name, registeredBy, module: module.name });
    }
  }

  /** Forgets who registered what of a module whose memory goes. */
  forget(module: LoadedModule): void {
    const history = this.k.get(ModuleHistory);
    this.k.origins.drop(
      (at, { caller, serial }) => module.contains(at) || history.wasIn(module, caller, serial),
    );
  }

  private leaver(module: LoadedModule): Leaver {
    const history = this.k.get(ModuleHistory);
    return {
      contains: (ptr) => module.contains(ptr),
      made: ({ caller, serial }) => history.wasIn(module, caller, serial),
    };
  }

  private tell(module: LoadedModule, holding: Holding): void {
    const { k } = this;
    const { kind, at } = holding;
    const fn = this.finder.ownPointer(this.leaver(module), holding) ?? at;
    const entry: LeftBehind = {
      kind,
      name: holding.name() || (symbolAt(k, fn)?.name ?? ''),
      registeredBy: this.registeredBy(module, holding, fn),
      module: module.name,
    };
    this.found.push(entry);
    const named = entry.name === '' ? '' : ` '${entry.name}'`;
    const message = `modbox: ${module.name} left its ${kind}${named} behind, registered by ${entry.registeredBy}`;
    k.traps.leftBehind(module, message, at, fn);
  }

  private registeredBy(module: LoadedModule, holding: Holding, fn: Ptr): string {
    const history = this.k.get(ModuleHistory);
    const origin = this.finder.originIn(this.leaver(module), holding);
    return origin ? history.symbolize(origin.caller, origin.serial) : history.symbolize(fn);
  }
}

/** Leaves out what goes with something else that is told of, and what was told of already. */
function withoutParts(all: readonly Holding[]): Holding[] {
  const parts = new Set(all.flatMap(({ parts = [] }) => parts));
  const kobjects = new Set(all.flatMap((one) => (one.kind === KOBJECT ? [one.at] : (one.kobjects ?? []))));
  const objects = new Set(all.flatMap((one) => one.kobjects ?? []));
  return all.filter(({ kind, at, within }) => {
    if (within !== undefined && kobjects.has(within)) return false;
    if (kind === KOBJECT) return !objects.has(at);
    if (parts.has(at)) return false;
    parts.add(at);
    return true;
  });
}
