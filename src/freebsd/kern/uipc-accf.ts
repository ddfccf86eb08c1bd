import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, ENOENT, EOPNOTSUPP } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_SHUTDOWN, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';

/** accept_filter(9) (sys/kern/uipc_accf.c): filters of connections by name. The kernel keeps copies of what modules give. */
export class AcceptFilters implements Subsystem {
  private readonly filters = new Map<string, Ptr>();
  /** net.inet.accf.unloadable: whether filters may go, which nobody counts the users of. */
  unloadable = false;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    accept_filt_generic_mod_event: (_module: Ptr, event: number, filter: Ptr) => this.event(event, filter),
    accept_filt_add: (filter: Ptr) => this.add(filter),
    accept_filt_del: (name: Ptr) => this.remove(this.k.space.cstring(name)),
    accept_filt_get: (name: Ptr) => this.find(this.k.space.cstring(name)) ?? 0,
  };

  readonly signatures = { accept_filt_generic_mod_event: 'i:pip' };

  private event(event: number, filter: Ptr): number {
    switch (event) {
      case MOD_LOAD:
        return this.add(filter);
      case MOD_UNLOAD:
        return this.unloadable ? this.remove(this.nameOf(filter)) : EOPNOTSUPP;
      case MOD_SHUTDOWN:
        return 0;
      default:
        return EOPNOTSUPP;
    }
  }

  private nameOf(filter: Ptr): string {
    return this.k.struct('accept_filter').text(filter, 'accf_name');
  }

  /** One that was taken away stays, without its function, and comes back by its name. */
  private add(filter: Ptr): number {
    const { k } = this;
    const type = k.struct('accept_filter');
    const name = this.nameOf(filter);
    const known = this.filters.get(name);
    if (known !== undefined && type.get(known, 'accf_callback') !== 0) return EEXIST;
    const at = known ?? k.permanent(type.size);
    k.space.writable(at, type.size).set(k.space.readable(filter, type.size));
    k.origins.note(at);
    this.filters.set(name, at);
    return 0;
  }

  private find(name: string): Ptr | undefined {
    const at = this.filters.get(name);
    return at !== undefined && this.k.struct('accept_filter').get(at, 'accf_callback') !== 0 ? at : undefined;
  }

  private remove(name: string): number {
    const at = this.find(name);
    if (at === undefined) return ENOENT;
    this.k.struct('accept_filter').set(at, 'accf_callback', 0);
    return 0;
  }

  *holds(): Generator<Holding> {
    const type = this.k.struct('accept_filter');
    for (const [name, at] of this.filters)
      if (this.find(name) !== undefined)
        yield {
          kind: 'accept filter',
          at,
          uses: ['accf_callback', 'accf_create', 'accf_destroy'].map((member) => type.get(at, member)),
          by: this.k.origins.of(at),
          name: () => name,
        };
  }
}
