import { Mutexes } from '../kern/mutex.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The lock of the tree of devices, which is Giant (bus_topo_lock(9)). */
export class TopoLock implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    bus_topo_mtx: () => this.k.variable('Giant'),
    bus_topo_lock: () => this.k.get(Mutexes).lock(this.k.variable('Giant')),
    bus_topo_unlock: () => this.k.get(Mutexes).unlock(this.k.variable('Giant')),
  };
}
