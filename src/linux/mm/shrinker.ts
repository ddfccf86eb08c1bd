import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import { list } from '../abi/list.js';
import { ENOMEM } from '../errno.js';
import { type Holding, heldStructs } from '../holding.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Bits of shrinker.flags: it is registered, it came from shrinker_alloc(). */
const SHRINKER_REGISTERED = 1 << 0;
const SHRINKER_ALLOCATED = 1 << 1;
/** Cost of making a cached object again, in disk seeks. */
const DEFAULT_SEEKS = 2;

/** Shrinkers: caches that can be made smaller (mm/vmscan.c). Memory never runs short here, so none is called. */
export class Shrinkers implements Subsystem {
  private readonly registered = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_shrinker: (shrinker: Ptr) => this.register(shrinker),
    unregister_shrinker: (shrinker: Ptr) => this.unregister(shrinker),
    prealloc_shrinker: (shrinker: Ptr) => this.prepare(shrinker),
    register_shrinker_prepared: (shrinker: Ptr) => this.add(shrinker),
    free_prealloced_shrinker: (shrinker: Ptr) => this.giveBack(shrinker),
    synchronize_shrinkers: constant(undefined),
    shrinker_alloc: (flags: number) => this.allocate(flags),
    shrinker_register: (shrinker: Ptr) => {
      this.register(shrinker);
      // structs: shrinker.refcount.refs.counter is there where shrinker_register() is.
      this.k.struct('shrinker').set(shrinker, 'refcount.refs.counter', 1);
    },
    shrinker_free: (shrinker: Ptr) => this.free(shrinker),
  };

  holds(): Iterable<Holding> {
    return heldStructs(
      this.k,
      { kind: 'shrinker', struct: 'shrinker', uses: ['count_objects', 'scan_objects'] },
      this.registered,
    );
  }

  /** shrinker_alloc(): one that nobody calls before it is registered; 0 if there is no memory. */
  private allocate(flags: number): Ptr {
    const { k } = this;
    const type = k.struct('shrinker');
    const shrinker = k.slab.allocateBytes(type.size, true);
    if (shrinker === 0) return 0;
    type.set(shrinker, 'flags', flags | SHRINKER_ALLOCATED);
    type.set(shrinker, 'seeks', DEFAULT_SEEKS);
    return shrinker;
  }

  /** shrinker_free(): also of one that was never registered. NULL is fine. */
  private free(shrinker: Ptr): void {
    if (shrinker === 0) return;
    this.unregister(shrinker);
    this.k.slab.free(shrinker);
  }

  private register(shrinker: Ptr): number {
    const error = this.prepare(shrinker);
    if (error === 0) this.add(shrinker);
    return error;
  }

  /** What a shrinker needs that is allocated. */
  private prepare(shrinker: Ptr): number {
    const deferred = this.k.slab.allocateBytes(8, true);
    this.k.struct('shrinker').set(shrinker, 'nr_deferred', deferred);
    return deferred === 0 ? -ENOMEM : 0;
  }

  private add(shrinker: Ptr): void {
    const { k } = this;
    k.origins.note(shrinker);
    this.registered.add(shrinker);
    const type = k.struct('shrinker');
    type.set(shrinker, 'flags', type.get(shrinker, 'flags') | SHRINKER_REGISTERED);
    if (!k.hasSymbol('shrinker_list')) return;
    const head = k.symbol('shrinker_list');
    if (k.space.loadPtr(head) === 0) list.init(k.space, head);
    list.addTail(k.space, type.addr(shrinker, 'list'), head);
  }

  private unregister(shrinker: Ptr): void {
    if (!this.registered.delete(shrinker)) return;
    const type = this.k.struct('shrinker');
    if (this.k.hasSymbol('shrinker_list')) list.del(this.k.space, type.addr(shrinker, 'list'));
    type.set(shrinker, 'flags', type.get(shrinker, 'flags') & ~SHRINKER_REGISTERED);
    this.giveBack(shrinker);
  }

  private giveBack(shrinker: Ptr): void {
    const type = this.k.struct('shrinker');
    const deferred = type.get(shrinker, 'nr_deferred');
    if (deferred !== 0) this.k.slab.free(deferred);
    type.set(shrinker, 'nr_deferred', 0);
  }
}
