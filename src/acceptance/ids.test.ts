import { describe, expect, it } from 'vitest';
import { Ida } from '../linux/lib/xarray/ida.js';
import { machineWith } from './testing/machines.js';

describe('integer ids', () => {
  const { kernel } = machineWith([]);
  const { exports } = kernel.get(Ida);
  const ida = kernel.slab.allocateBytes(kernel.sizeOf('ida'), true);
  const next = (min = 0): number => exports.ida_alloc_range(ida, min, 0x7fff_ffff);

  it('are the lowest that are free, quick for hundreds of thousands of them, and given again when freed', () => {
    const started = performance.now();
    for (let id = 0; id < 200_000; id++) if (next() !== id) throw new Error(`not ${id}`);
    expect(performance.now() - started).toBeLessThan(20_000);
    exports.ida_free(ida, 123_456);
    exports.ida_free(ida, 77);
    expect([next(), next(), next()]).toEqual([77, 123_456, 200_000]);
  });

  it('begin again in memory that is used for another set', () => {
    kernel.space.writable(ida, kernel.sizeOf('ida')).fill(0);
    expect([next(5000), next(), next(), next(5000)]).toEqual([5000, 0, 1, 5001]);
  });

  it('end where they are asked to', () => {
    expect(exports.ida_alloc_range(ida, 0, 1)).toBe(-28);
    expect(exports.ida_alloc_range(ida, 0, 2)).toBe(2);
  });
});
