import type { Ptr } from '../../cpu/layout.js';
import type { BaseKernel } from '../base-kernel.js';
import type { Holding, Origin, Origins } from './holding.js';

/** Something that a module registered and that was still there when the module went. */
export interface LeftBehind {
  /** `file system`, `PCI driver`, ... */
  readonly kind: string;
  readonly name: string;
  /** `function+0x12/0x40 [module]`; the symbol of what was registered where nobody saw who did it. */
  readonly registeredBy: string;
  readonly module: string;
}

/** A module that goes, as far as what it leaves is concerned. */
export interface Leaver {
  contains(ptr: Ptr): boolean;
  /** Whether its code was there when something was made. */
  made(origin: Origin): boolean;
}

/**
 * Finds, after a module has cleaned up and before its memory goes, what would still run its code or use its data. Parts of the kernel
 * say themselves what they hold.
 */
export class LeftBehindFinder<H extends Holding = Holding> {
  /** Found already, so that it is not taken for that of a module which comes into the same memory. */
  private known = new Map<string, Ptr>();

  constructor(
    private readonly k: Pick<BaseKernel, 'ledger' | 'slab'>,
    private readonly origins: Pick<Origins, 'of'>,
  ) {}

  /** What a module leaves of all that is held now. */
  find(leaver: Leaver, holdings: Iterable<H>): H[] {
    const still = new Map<string, Ptr>();
    const own: H[] = [];
    for (const holding of holdings) {
      const key = `${holding.kind} ${holding.at}`;
      if (this.known.has(key)) still.set(key, holding.at);
      else if (this.isOf(leaver, holding)) {
        own.push(holding);
        still.set(key, holding.at);
      }
    }
    this.known = still;
    return own;
  }

  /** What of it is in the module's memory. */
  ownPointer(leaver: Leaver, { at, uses = [] }: Holding): Ptr | undefined {
    return [...uses, at].find((ptr) => leaver.contains(ptr));
  }

  /** Where the module's code made it, if that was seen. */
  originIn(leaver: Leaver, holding: Holding): Origin | undefined {
    const candidates = [holding.by, this.origins.of(holding.at), this.originOf(holding)];
    return candidates.find((one) => one && leaver.made(one));
  }

  private isOf(leaver: Leaver, holding: Holding): boolean {
    if (this.ownPointer(leaver, holding) !== undefined) return true;
    const origin = this.originOf(holding);
    return origin !== undefined && leaver.made(origin);
  }

  /** Who asked for it: as it says itself, or who allocated it. */
  private originOf({ at, by }: Holding): Origin | undefined {
    return by ?? this.k.ledger.get(at) ?? this.k.ledger.get(this.k.slab.objectFor(at)?.ptr ?? 0);
  }
}
