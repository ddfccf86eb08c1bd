import { expect, it } from 'vitest';
import { newerTarget } from '../../testing/targets.js';
import { LinuxKernel } from '../kernel.js';
import { guest } from '../testing/guest.js';
import { slabFlag } from './slab-flags.js';

it('flags of caches are the target’s own', async ({ skip }) => {
  expect(slabFlag(guest().k, 'HWCACHE_ALIGN')).toBe(0x2000);
  const newer = await newerTarget();
  if (!newer) return skip('needs the newer kernel’s package');
  const k = new LinuxKernel(newer);
  expect(slabFlag(k, 'HWCACHE_ALIGN')).toBe(1 << newer.types.enumValue('_SLAB_HWCACHE_ALIGN'));
  expect(slabFlag(k, 'TYPESAFE_BY_RCU')).not.toBe(0x8_0000);
});
