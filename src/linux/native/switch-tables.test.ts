import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();

describe.skipIf(target === undefined)('a variable that is chosen by a table of the compiler', () => {
  it('counts as one that the function refers to: what sets it is set up, or it stops', () => {
    const { k } = guest({}, target!);
    // dmaengine.c: a pool by the number of addresses, of the array unmap_pool.
    const decision = k.native!.decide('dmaengine_get_unmap_data');
    expect(decision.kind).not.toBe('runs');
  });
});
