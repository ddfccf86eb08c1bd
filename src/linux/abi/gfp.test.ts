import { expect, it } from 'vitest';
import { newerTarget } from '../../testing/targets.js';
import * as gfp from './gfp.js';

it('flags of allocations are those of kernels that have them as enumerators', async ({ skip }) => {
  const target = await newerTarget();
  if (!target) return skip('needs the newer kernel’s package');
  const { GFP_KERNEL, ...bits } = gfp;
  for (const [name, value] of Object.entries(bits))
    expect([name, target.types.findEnumValue(`___${name}_BIT`)]).toEqual([name, Math.log2(value)]);
  const kernel = ['IO', 'FS', 'DIRECT_RECLAIM', 'KSWAPD_RECLAIM'].map((name) =>
    target.types.enumValue(`___GFP_${name}_BIT`),
  );
  expect(kernel.reduce((flags, bit) => flags | (1 << bit), 0)).toBe(GFP_KERNEL);
});
