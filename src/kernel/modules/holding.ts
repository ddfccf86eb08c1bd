import type { Ptr } from '../../cpu/layout.js';
import type { BaseKernel } from '../base-kernel.js';

/** When and from where something was registered: a return address of guest code, and a mark of the ledger. */
export interface Origin {
  readonly caller: Ptr;
  readonly serial: number;
}

/**
 * Something that a part of a kernel keeps for somebody and that has to be taken back: a registration, a pending timer.
 * It is a module's if the struct or what that leads to is in the module's memory, or if the module's code made it.
 */
export interface Holding {
  /** `file system`, `PCI driver`, ... */
  readonly kind: string;
  /** The struct that was registered, or what identifies it. */
  readonly at: Ptr;
  /** Functions and tables that would be used: 0 for those that are not there. */
  readonly uses?: readonly Ptr[];
  /** Other objects that go with it and are not worth a word of their own. */
  readonly parts?: readonly Ptr[];
  /** Where it came from, for what is in no memory of the module. */
  readonly by?: Origin | undefined;
  /** '' where it has none: the symbol of the struct or function stands for it then. */
  name(): string;
}

/** Whoever keeps things for others. */
export interface Holder<H extends Holding = Holding> {
  holds(): Iterable<H>;
}

/** Remembers who registered what, by the address of what was registered. */
export class Origins {
  private readonly known = new Map<Ptr, Origin>();

  constructor(private readonly k: Pick<BaseKernel, 'caller' | 'ledger'>) {}

  /** Where the export being served was called from. */
  here(): Origin {
    return { caller: this.k.caller, serial: this.k.ledger.mark };
  }

  note(at: Ptr): void {
    this.known.set(at, this.here());
  }

  of(at: Ptr): Origin | undefined {
    return this.known.get(at);
  }

  forget(at: Ptr): void {
    this.known.delete(at);
  }

  /** Forgets what belongs to a module that goes. */
  drop(matches: (at: Ptr, origin: Origin) => boolean): void {
    for (const [at, origin] of this.known) if (matches(at, origin)) this.known.delete(at);
  }
}
