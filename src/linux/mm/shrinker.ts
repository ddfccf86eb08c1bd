import type { Ptr } from '../../cpu/layout.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Shrinkers: caches that can be made smaller (mm/vmscan.c). Memory never runs short here, so none is called. */
export class Shrinkers implements Subsystem {
  private readonly registered = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_shrinker: (shrinker: Ptr) => this.register(shrinker),
    unregister_shrinker: (shrinker: Ptr) => this.unregister(shrinker),
    synchronize_shrinkers: () => {},
  };

  private register(shrinker: Ptr): number {
    const type = this.k.struct('shrinker');
    type.set(shrinker, 'nr_deferred', this.k.slab.kmalloc(8, true));
    this.registered.add(shrinker);
    if (this.k.hasSymbol('shrinker_list')) {
      const head = this.k.symbol('shrinker_list');
      if (this.k.space.loadPtr(head) === 0) list.init(this.k.space, head);
      list.addTail(this.k.space, type.addr(shrinker, 'list'), head);
    }
    return 0;
  }

  private unregister(shrinker: Ptr): void {
    if (!this.registered.delete(shrinker)) return;
    const type = this.k.struct('shrinker');
    if (this.k.hasSymbol('shrinker_list')) list.del(this.k.space, type.addr(shrinker, 'list'));
    const deferred = type.get(shrinker, 'nr_deferred');
    if (deferred !== 0) this.k.slab.free(deferred);
    type.set(shrinker, 'nr_deferred', 0);
  }
}
