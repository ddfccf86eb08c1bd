import { expect, it } from 'vitest';
import { guest } from '../../testing/guest.js';

const g = guest();
const { k } = g;
const KEY_OFFSET = 8;

it('a table that was outgrown leads to its successor until no reader can have it any more', () => {
  const { space } = k;
  const ht = g.struct.rhashtable();
  const params = g.struct.rhashtable_params({ key_len: 4, key_offset: KEY_OFFSET, head_offset: 0 });
  expect(g.call.rhashtable_init(ht, params)).toBe(0);
  const type = k.struct('rhashtable');
  const first = type.get(ht, 'tbl');
  expect(k.struct('bucket_table').get(first, 'size')).toBe(64);
  for (let i = 0; i < 60; i++) {
    const node = k.slab.allocateBytes(16, true);
    space.store32(node + KEY_OFFSET, i);
    expect(g.call.rhashtable_insert_slow(ht, node + KEY_OFFSET, node)).toBe(0);
  }
  g.sleep(1e9);
  const second = type.get(ht, 'tbl');
  expect(k.struct('bucket_table').get(second, 'size')).toBe(128);
  expect(k.ledger.get(first)).toBeUndefined();
  expect([type.get(ht, 'nelems.counter'), k.processes.preemptCount, g.reports()]).toEqual([60, 0, []]);
});
