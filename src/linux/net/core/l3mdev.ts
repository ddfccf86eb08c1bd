import type { Ptr } from '../../../cpu/layout.js';
import { EBUSY, EINVAL } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { Subsystem } from '../../subsystem.js';

/** Kinds of layer 3 master devices (enum l3mdev_type): VRFs are the only one. */
const KINDS = 2;

/** Layer 3 master devices: who finds one by its routing table (net/l3mdev/l3mdev.c). */
export class L3Masters implements Subsystem {
  private readonly lookups = new Map<number, Ptr>();

  readonly exports = {
    l3mdev_table_lookup_register: (kind: number, lookup: Ptr) => {
      if (!isKind(kind)) return -EINVAL;
      if (this.lookups.has(kind)) return -EBUSY;
      this.lookups.set(kind, lookup);
      return 0;
    },
    l3mdev_table_lookup_unregister: (kind: number, lookup: Ptr) => {
      if (this.lookups.get(kind) === lookup) this.lookups.delete(kind);
    },
  };

  *holds(): Generator<Holding> {
    for (const [kind, at] of this.lookups)
      yield { kind: 'layer 3 master lookup', at, name: () => String(kind) };
  }
}

function isKind(kind: number): boolean {
  return kind > 0 && kind < KINDS;
}
