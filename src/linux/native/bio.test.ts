import { describe, expect, it } from 'vitest';
import { imageTarget } from '../../testing/targets.js';
import { guest } from '../testing/guest.js';

const target = await imageTarget();
const BIOSET_NEED_BVECS = 1;

const GFP_KERNEL = 0xcc0;

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

  it('hold pages, and end with their own function', () => {
    const set = struct.bio_set();
    call.bioset_init(set, 4, 0, BIOSET_NEED_BVECS);
    const bio = call.bio_alloc_bioset(0, 2, 0, GFP_KERNEL, set);
    const type = k.struct('bio');
    const page = call.alloc_pages(GFP_KERNEL, 0);
    expect(call.bio_add_page(bio, page, 512, 0)).toBe(512);
    expect([type.get(bio, 'bi_vcnt'), type.get(bio, 'bi_iter.bi_size')]).toEqual([1, 512]);
    const ended: number[] = [];
    type.set(
      bio,
      'bi_end_io',
      k.exports.hostFunction('test_end_io', 'v:p', (at: number) => void ended.push(at)),
    );
    call.bio_endio(bio);
    expect(ended).toEqual([bio]);
    call.bio_put(bio);
    call.__free_pages(page, 0);
    call.bioset_exit(set);
    expect(machine.reports()).toEqual([]);
  });
});
