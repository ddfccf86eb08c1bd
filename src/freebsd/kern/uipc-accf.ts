import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EEXIST, EINVAL, ENOENT, EOPNOTSUPP } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import { MOD_LOAD, MOD_SHUTDOWN, MOD_UNLOAD } from '../linker/modules.js';
import type { Subsystem } from '../subsystem.js';
import { Mutexes } from './mutex.js';
import { Sysctls } from './sysctl.js';
import { SocketStates } from './uipc-sockstate.js';

/** accept_filter(9) (sys/kern/uipc_accf.c): filters of connections by name. The kernel keeps copies of what modules give. */
export class AcceptFilters implements Subsystem {
  private readonly filters = new Map<string, Ptr>();
  private unloadableAt: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    accept_filt_generic_mod_event: (_module: Ptr, event: number, filter: Ptr) => this.event(event, filter),
    accept_filt_add: (filter: Ptr) => this.add(filter),
    accept_filt_del: (name: Ptr) => this.remove(this.k.space.cstring(name)),
    accept_filt_get: (name: Ptr) => this.find(this.k.space.cstring(name)) ?? 0,
  };

  readonly signatures = { accept_filt_generic_mod_event: 'i:pip' };

  boot(): void {
    const { k } = this;
    this.unloadableAt = k.permanent(4);
    const kind = k.macro('CTLTYPE_INT') | k.macro('CTLFLAG_RW');
    const handler = k.fn('sysctl_handle_int');
    const fields = { oid_kind: kind, oid_arg1: this.unloadableAt, oid_arg2: 0, oid_handler: handler };
    k.get(Sysctls).leaf('net.inet.accf.unloadable', undefined, fields, 'I');
  }

  /** net.inet.accf.unloadable: whether filters may go, which nobody counts the users of. */
  get unloadable(): boolean {
    return this.k.space.load32(this.unloadableAt) !== 0;
  }

  set unloadable(may: boolean) {
    this.k.space.store32(this.unloadableAt, Number(may));
  }

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

  /** Gives a listening socket a filter: 0, or why not. */
  *attach(so: Ptr, name: string, arg: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('socket');
    const filters = k.struct('accept_filter');
    const filter = this.find(name);
    if (filter === undefined) return ENOENT;
    if (!k.get(SocketStates).isListening(so) || type.get(so, 'sol_accept_filter') !== 0) return EINVAL;
    const creates = filters.get(filter, 'accf_create') !== 0;
    let own = 0;
    if (creates) {
      const lock = type.addr(so, 'so_lock');
      yield* k.get(Mutexes).lock(lock);
      own = yield* filters.call(filter, 'accf_create', so, arg);
      k.get(Mutexes).unlock(lock);
      if (own === 0) return EINVAL;
    }
    type.set(so, 'sol_accept_filter', filter);
    type.set(so, 'sol_accept_filter_arg', own);
    if (creates && name !== '') type.set(so, 'sol_accept_filter_str', this.keepText(name));
    type.set(so, 'so_options', type.get(so, 'so_options') | k.macro('SO_ACCEPTFILTER'));
    return 0;
  }

  /** What SO_ACCEPTFILTER gives back as the argument: it is the name. */
  private keepText(text: string): Ptr {
    const at = this.k.slab.allocateBytes(text.length + 1, true);
    this.k.space.storeCstring(at, text);
    return at;
  }

  /** Takes a socket's filter away: connections that it has not been asked about go through. */
  *detach(so: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('socket');
    const states = k.get(SocketStates);
    if (!states.isListening(so)) return EINVAL;
    if (type.get(so, 'sol_accept_filter') === 0) return 0;
    yield* this.destroyArgument(so);
    type.set(so, 'so_options', type.get(so, 'so_options') & ~k.macro('SO_ACCEPTFILTER'));
    for (const waiting of states.queued(so, 'sol_incomp')) {
      if (!states.has(waiting, 'so_options', 'SO_ACCEPTFILTER')) continue;
      type.set(waiting, 'so_options', type.get(waiting, 'so_options') & ~k.macro('SO_ACCEPTFILTER'));
      yield* states.promote(waiting);
    }
    return 0;
  }

  private *destroyArgument(so: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('socket');
    const filters = k.struct('accept_filter');
    const filter = type.get(so, 'sol_accept_filter');
    if (filters.get(filter, 'accf_destroy') !== 0) yield* filters.call(filter, 'accf_destroy', so);
    const text = type.get(so, 'sol_accept_filter_str');
    if (text !== 0) k.slab.free(text);
    for (const member of ['', '_arg', '_str']) type.set(so, `sol_accept_filter${member}`, 0);
  }

  /** The filter of a listening socket. */
  attachedTo(so: Ptr): { readonly name: string; readonly arg: string } | undefined {
    const { k } = this;
    const type = k.struct('socket');
    const filter = k.get(SocketStates).isListening(so) ? type.get(so, 'sol_accept_filter') : 0;
    if (filter === 0) return undefined;
    const text = type.get(so, 'sol_accept_filter_str');
    return { name: this.nameOf(filter), arg: text === 0 ? '' : k.space.cstring(text) };
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
