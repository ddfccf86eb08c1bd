import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';

/** A tail queue in guest memory (queue(3)): a head { first, last } and entries with a link { next, prev } at an offset. */
export class Tailq {
  constructor(
    private readonly k: FreebsdKernel,
    readonly head: Ptr,
    /** Offset of the link in an entry. */
    private readonly link: number,
  ) {}

  /** TAILQ_INIT(). */
  init(): void {
    this.k.space.storePtr(this.head, 0);
    this.k.space.storePtr(this.head + 8, this.head);
  }

  *entries(): Generator<Ptr> {
    for (let entry = this.k.space.loadPtr(this.head); entry !== 0; ) {
      const next = this.k.space.loadPtr(entry + this.link);
      yield entry;
      entry = next;
    }
  }

  get first(): Ptr {
    return this.k.space.loadPtr(this.head);
  }

  /** TAILQ_INSERT_TAIL(). */
  append(entry: Ptr): void {
    const { space } = this.k;
    const last = space.loadPtr(this.head + 8);
    space.storePtr(entry + this.link, 0);
    space.storePtr(entry + this.link + 8, last);
    space.storePtr(last, entry);
    space.storePtr(this.head + 8, entry + this.link);
  }

  /** TAILQ_INSERT_BEFORE(). */
  insertBefore(other: Ptr, entry: Ptr): void {
    const { space } = this.k;
    const previous = space.loadPtr(other + this.link + 8);
    space.storePtr(entry + this.link + 8, previous);
    space.storePtr(entry + this.link, other);
    space.storePtr(previous, entry);
    space.storePtr(other + this.link + 8, entry + this.link);
  }

  /** TAILQ_REMOVE(). */
  remove(entry: Ptr): void {
    const { space } = this.k;
    const next = space.loadPtr(entry + this.link);
    const previous = space.loadPtr(entry + this.link + 8);
    if (next === 0) space.storePtr(this.head + 8, previous);
    else space.storePtr(next + this.link + 8, previous);
    space.storePtr(previous, next);
  }
}
