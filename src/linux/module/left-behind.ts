import type { Ptr } from '../../cpu/layout.js';
import { type Holding, KOBJECT, type Origin } from '../holding.js';
import type { LoadedModule } from '../kallsyms/loaded-module.js';
import { ModuleHistory } from '../kallsyms/module-history.js';
import { Modules } from '../kallsyms/modules.js';
import { symbolAt } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import { SlabExports } from '../mm/slab.js';
import type { Subsystem } from '../subsystem.js';

/** Things that are told of: a module can leave millions of files. */
const MOST_TOLD = 1000;

/** Something that a module registered and that was still there when the module went. */
export interface LeftBehind {
  /** `file system`, `PCI driver`, ... */
  readonly kind: string;
  readonly name: string;
  /** `function+0x12/0x40 [module]`; the symbol of what was registered where nobody saw who did it. */
  readonly registeredBy: string;
  readonly module: string;
}

/**
 * Looks, after a module's exit function ran (or its init failed) and before its memory goes, for what would
 * still run its code or use its data, and for memory that it wrote to after freeing it. The real kernel finds
 * out by crashing later; here each is reported at once. Subsystems say themselves what they hold.
 */
export class LeftBehinds implements Subsystem {
  readonly exports = {};
  /** Everything that was found, in order. */
  readonly found: LeftBehind[] = [];
  /** Reported already, so that it is not taken for that of a module which comes into the same memory. */
  private known = new Map<string, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  /** Reports what a module leaves. */
  report(module: LoadedModule): void {
    const still = new Map<string, Ptr>();
    const own: Holding[] = [];
    for (const holding of this.k.holdings()) {
      const key = `${holding.kind} ${holding.at}`;
      if (this.known.has(key)) still.set(key, holding.at);
      else if (this.isOf(module, holding)) {
        own.push(holding);
        still.set(key, holding.at);
      }
    }
    this.known = still;
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

  private isOf(module: LoadedModule, holding: Holding): boolean {
    if (this.ownPointer(module, holding) !== undefined) return true;
    const origin = this.originOf(holding);
    return origin !== undefined && this.k.get(ModuleHistory).wasIn(module, origin.caller, origin.serial);
  }

  /** What of it is in the module's memory. */
  private ownPointer(module: LoadedModule, { at, uses = [] }: Holding): Ptr | undefined {
    return [...uses, at].find((ptr) => module.contains(ptr));
  }

  /** Who asked for it: as it says itself, or who allocated it. */
  private originOf({ at, by }: Holding): Origin | undefined {
    return by ?? this.k.ledger.get(at) ?? this.k.ledger.get(this.k.slab.objectFor(at)?.ptr ?? 0);
  }

  private tell(module: LoadedModule, holding: Holding): void {
    const { k } = this;
    const { kind, at } = holding;
    const fn = this.ownPointer(module, holding) ?? at;
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
    const candidates = [holding.by, this.k.origins.of(holding.at), this.originOf(holding)];
    const origin = candidates.find((one) => one && history.wasIn(module, one.caller, one.serial));
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
