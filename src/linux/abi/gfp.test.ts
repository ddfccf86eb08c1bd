import { expect, it } from 'vitest';
import { newerTarget } from '../../testing/targets.js';
import * as gfp from './gfp.js';

it('flags of allocations are those of kernels that have them as enumerators', async ({ skip }) => {
  const target = await newerTarget();
  if (!target) return skip('needs the newer kernel’s package');
  const { GFP_KERNEL, GFP_HIGHUSER_MOVABLE, ...bits } = gfp;
  for (const [name, value] of Object.entries(bits))
    expect([name, target.types.findEnumValue(`___${name}_BIT`)]).toEqual([name, Math.log2(value)]);
  const all = (names: readonly string[]): number =>
    names.reduce((flags, name) => flags | (1 << target.types.enumValue(`___GFP_${name}_BIT`)), 0);
  const kernel = ['IO', 'FS', 'DIRECT_RECLAIM', 'KSWAPD_RECLAIM'];
  expect(all(kernel)).toBe(GFP_KERNEL);
  expect(all([...kernel, 'HARDWALL', 'HIGHMEM', 'MOVABLE'])).toBe(GFP_HIGHUSER_MOVABLE);
});
