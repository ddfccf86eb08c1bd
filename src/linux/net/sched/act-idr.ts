import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import type { LinuxKernel } from '../../kernel.js';
import { callExport } from '../../lib/misc/refcount.js';
import type { Subsystem } from '../../subsystem.js';

/** A namespace's actions of a kind, by index (net/sched/act_api.c). */
export class ActionTables implements Subsystem {
  static readonly builtIn = 'CONFIG_NET_CLS_ACT';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    tcf_idrinfo_destroy: (_ops: Ptr, table: Ptr) => this.destroy(table),
  };

  /** The namespace goes: its table is empty unless actions were made, which needs tcf_idr_create(). */
  private *destroy(table: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('tcf_idrinfo');
    if (type.get(table, 'action_idr.idr_rt.xa_head') !== 0) throw new Unimplemented('__tcf_idr_release', '');
    yield* callExport(k, 'idr_destroy', type.addr(table, 'action_idr'));
  }
}
