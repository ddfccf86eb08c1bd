import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, EOPNOTSUPP } from '../errno.js';
import { MOD_LOAD, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';

/** Schemes of partition tables (sys/geom/part/g_part.c): kobj classes whose name is theirs. The class PART itself is not there. */
export class PartitionSchemes implements Subsystem {
  private readonly schemes: Ptr[] = [];

  readonly exports = {
    g_part_modevent: partly(
      'there is no class PART: no table is looked for',
      (_module: Ptr, what: number, scheme: Ptr) => this.event(what, scheme),
    ),
  };

  readonly signatures = { g_part_modevent: 'i:pip' };

  private event(what: number, scheme: Ptr): number {
    if (what === MOD_LOAD) {
      if (this.schemes.includes(scheme)) return EEXIST;
      this.schemes.push(scheme);
      return 0;
    }
    if (what !== MOD_UNLOAD) return EOPNOTSUPP;
    const index = this.schemes.indexOf(scheme);
    if (index >= 0) this.schemes.splice(index, 1);
    return 0;
  }

  *holds(): Generator<Holding> {
    for (const at of this.schemes) yield { kind: 'partition scheme', at, name: () => '' };
  }
}
