import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';
import { SlotTable } from './slot-table.js';

/** Encapsulations of light-weight tunnels, by number (net/core/lwtunnel.c). */
export class LightweightTunnels implements Subsystem {
  static readonly builtIn = 'CONFIG_LWTUNNEL';

  readonly keeps = ['lwtun_encaps'];
  private readonly encaps: SlotTable;

  constructor(private readonly k: LinuxKernel) {
    this.encaps = new SlotTable(
      k,
      k.enumValue('__LWTUNNEL_ENCAP_MAX'),
      'lwtun_encaps',
      'tunnel encapsulation',
    );
  }

  readonly exports = {
    lwtunnel_encap_add_ops: (ops: Ptr, number: number) => (this.encaps.take(number, ops) ? 0 : -1),
    lwtunnel_encap_del_ops: (ops: Ptr, number: number) => this.remove(ops, number),
  };

  private *remove(ops: Ptr, number: number): Sleepable<number> {
    const released = this.encaps.release(number, ops);
    yield* this.k.get(Rcu).synchronize();
    return released ? 0 : -1;
  }
}
