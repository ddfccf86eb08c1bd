import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, EINVAL, EOPNOTSUPP } from '../errno.js';
import { SubrPrf } from '../kern/subr_prf.js';
import { SxLocks } from '../kern/sx.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';

const NO_DISKS = 'there are no disks: nothing is tasted';

/** GEOM's classes (sys/geom/geom_subr.c): they come and go. Providers and requests come with disks. */
export class GeomClasses implements Subsystem {
  private readonly classes: Ptr[] = [];
  private readonly schemes: Ptr[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_modevent: partly(NO_DISKS, (_module: Ptr, what: number, data: Ptr) => this.event(what, data)),
    g_part_modevent: partly(NO_DISKS, (_module: Ptr, what: number, scheme: Ptr) =>
      this.schemeEvent(what, scheme),
    ),
  };

  readonly signatures = { g_modevent: 'i:pip', g_part_modevent: 'i:pip' };

  readonly data = {
    topology_lock: (at: Ptr) => this.k.get(SxLocks).init(at, this.k.constantString('GEOM topology'), 0),
  };

  private *event(what: number, data: Ptr): Sleepable<number> {
    if (what === MOD_LOAD) return yield* this.load(data);
    if (what === MOD_UNLOAD) return yield* this.unload(data);
    return EOPNOTSUPP;
  }

  /** g_load_class(). */
  private *load(at: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('g_class');
    const name = type.string(at, 'name');
    if (this.classes.some((other) => type.string(other, 'name') === name)) {
      k.get(SubrPrf).line(`GEOM class ${name} already loaded.`);
      return EEXIST;
    }
    if (type.get(at, 'version') !== k.macro('G_VERSION')) {
      k.get(SubrPrf).line(`class ${name} has Invalid version ${type.get(at, 'version').toString(16)}`);
      return EINVAL;
    }
    this.classes.push(at);
    if (type.get(at, 'init') !== 0) yield* type.call(at, 'init', at);
    return 0;
  }

  /** g_unload_class(): without disks no class has geoms that could be in use. */
  private *unload(at: Ptr): Sleepable<number> {
    const type = this.k.struct('g_class');
    if (type.get(at, 'fini') !== 0) yield* type.call(at, 'fini', at);
    const index = this.classes.indexOf(at);
    if (index >= 0) this.classes.splice(index, 1);
    return 0;
  }

  /** Schemes of partition tables: kobj classes whose name is theirs. */
  private schemeEvent(what: number, scheme: Ptr): number {
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
    const type = this.k.struct('g_class');
    for (const at of this.classes) yield { kind: 'GEOM class', at, name: () => type.string(at, 'name') };
    for (const at of this.schemes) yield { kind: 'partition scheme', at, name: () => '' };
  }
}
