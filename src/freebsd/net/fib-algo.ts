import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EBUSY, ENOENT } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Algorithms that look routes up (sys/net/route/fib_algo.c), as modules offer them. No route is looked up yet, so none is instantiated. */
export class FibAlgorithms implements Subsystem {
  private readonly algorithms: Ptr[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    fib_module_register: (algorithm: Ptr) => {
      this.algorithms.push(algorithm);
      return 0;
    },
    fib_module_unregister: (algorithm: Ptr) => this.unregister(algorithm),
  };

  private unregister(algorithm: Ptr): number {
    const at = this.algorithms.indexOf(algorithm);
    if (at < 0) return ENOENT;
    if (this.k.struct('fib_lookup_module').get(algorithm, 'flm_refcount') > 0) return EBUSY;
    this.algorithms.splice(at, 1);
    return 0;
  }

  *holds(): Generator<Holding> {
    const type = this.k.struct('fib_lookup_module');
    for (const at of this.algorithms)
      yield { kind: 'route lookup algorithm', at, name: () => type.string(at, 'flm_name') };
  }
}
