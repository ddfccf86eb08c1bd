import type { Ptr } from '../../../cpu/layout.js';
import { changeBit } from '../../abi/bit-ops.js';
import { Oops } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Descriptions of what to take out of packets' headers (net/core/flow_dissector.c). */
export class FlowDissectors implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    skb_flow_dissector_init: (dissector: Ptr, keys: Ptr, count: number) => this.init(dissector, keys, count),
  };

  /** Notes each key's place in the result. The control and basic keys have to be there, each key once. */
  private init(dissector: Ptr, keys: Ptr, count: number): void {
    const { k } = this;
    const type = k.struct('flow_dissector');
    const key = k.struct('flow_dissector_key');
    k.space.writable(dissector, type.size).fill(0);
    const offsets = type.addr(dissector, 'offset');
    const used = new Set<number>();
    for (let i = 0; i < count; i++) {
      const at = keys + i * key.size;
      const id = key.get(at, 'key_id');
      if (used.has(id)) throw new Oops('bug', 'kernel BUG at net/core/flow_dissector.c!', dissector);
      used.add(id);
      k.space.store16(offsets + 2 * id, key.get(at, 'offset'));
    }
    for (const required of ['FLOW_DISSECTOR_KEY_CONTROL', 'FLOW_DISSECTOR_KEY_BASIC'])
      if (!used.has(k.enumValue(required)))
        throw new Oops('bug', 'kernel BUG at net/core/flow_dissector.c!', dissector);
    for (const id of used) changeBit(k.space, type.addr(dissector, 'used_keys'), id, true);
  }
}
