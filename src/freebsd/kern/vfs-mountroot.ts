import type { Ptr } from '../../cpu/layout.js';
import type { Holding } from '../../kernel/modules/holding.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Malloc } from './malloc.js';

/** RH_FREE, RH_ALLOC, RH_ARG: what became of a token, and whose memory it is (sys/kern/vfs_mountroot.c). */
const RH_FREE = 0;
const RH_ALLOC = 1;
const RH_ARG = 2;

/** Who keeps the root from being mounted until its devices are there: root_mount_hold(9). It is mounted when a module is loaded. */
export class RootMount implements Subsystem {
  private readonly holders = new Set<Ptr>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    root_mount_hold: (who: Ptr) => this.hold(who),
    root_mount_hold_token: (who: Ptr, token: Ptr) => this.keep(token, who, RH_ARG),
    root_mount_rel: (token: Ptr) => this.release(token),
    root_mounted: () => 1,
  };

  readonly data = { rootdevnames: () => {} };

  private hold(who: Ptr): Ptr {
    const { k } = this;
    const flags = k.macro('M_ZERO') | k.macro('M_WAITOK');
    const token = k.get(Malloc).malloc(k.sizeOf('root_hold_token'), k.variable('M_DEVBUF'), flags);
    this.keep(token, who, RH_ALLOC);
    return token;
  }

  private keep(token: Ptr, who: Ptr, flags: number): void {
    const type = this.k.struct('root_hold_token');
    type.set(token, 'flags', flags);
    type.set(token, 'who', who);
    this.holders.add(token);
    this.k.origins.note(token);
  }

  private release(token: Ptr): void {
    const { k } = this;
    const type = k.struct('root_hold_token');
    if (token === 0 || type.get(token, 'flags') === RH_FREE) return;
    this.holders.delete(token);
    k.origins.forget(token);
    if (type.get(token, 'flags') === RH_ALLOC) k.get(Malloc).free(token, k.variable('M_DEVBUF'));
    else type.set(token, 'flags', RH_FREE);
  }

  *holds(): Generator<Holding> {
    const { k } = this;
    for (const at of this.holders)
      yield {
        kind: 'hold of the root mount',
        at,
        by: k.origins.of(at),
        name: () => k.struct('root_hold_token').string(at, 'who'),
      };
  }
}
