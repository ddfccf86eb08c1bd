import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
const BIOSET_NEED_BVECS = 1;

describe.skipIf(target === undefined)('bios, as the target has them', () => {
  const machine = guest({}, target!);
  const { k, call, struct } = machine;

  it('come from a pool, and the pool gives its memory back', () => {
    const set = struct.bio_set();
    expect(call.bioset_init(set, 4, 0, BIOSET_NEED_BVECS)).toBe(0);
    expect(k.struct('bio_set').get(set, 'bio_slab')).not.toBe(0);
    call.bioset_exit(set);
    const used = k.ledger.bytes;
    call.bioset_init(set, 4, 0, BIOSET_NEED_BVECS);
    expect(k.ledger.bytes).toBeGreaterThan(used);
    call.bioset_exit(set);
    expect(k.ledger.bytes).toBe(used);
    expect(k.native?.use.subsystems).toContain('bio');
    expect(machine.reports()).toEqual([]);
  });
});
