import { describe, expect, it } from 'vitest';
import { guest } from '../../testing/guest.js';

describe('ids of network namespaces', () => {
  const { k, call } = guest();
  const init = k.symbol('init_net');

  it('are given when they are asked for, once', () => {
    expect(call.peernet2id!(init, init)).toBe(-1);
    expect(call.peernet2id_alloc!(init, init, 0)).toBe(0);
    expect(call.peernet2id_alloc!(init, init, 0)).toBe(0);
    expect(call.peernet2id!(init, init)).toBe(0);
  });

  it('lead to the namespace, with a reference', () => {
    const type = k.struct('net');
    const before = type.get(init, 'ns.count.refs.counter');
    expect(call.get_net_ns_by_id!(init, 0)).toBe(init);
    expect(type.get(init, 'ns.count.refs.counter')).toBe(before + 1);
    expect([call.get_net_ns_by_id!(init, 1), call.get_net_ns_by_id!(init, -1)]).toEqual([0, 0]);
  });
});
