import { describe, expect, it } from 'vitest';
import { type Owner, type Region, Regions, RF_SHAREABLE, RM_MAX_END } from './regions.js';

function managed(start: bigint, end: bigint): Regions {
  const regions = new Regions(start, end);
  regions.manage(start, end);
  return regions;
}

function take(
  regions: Regions,
  start: bigint,
  end: bigint,
  count: bigint,
  more: { bound?: bigint; flags?: number } = {},
) {
  const region = regions.reserve({ start, end, count, bound: more.bound ?? 0n, flags: more.flags ?? 0 });
  if (!region) return undefined;
  region.flags = more.flags ?? 0;
  const owner = { region } as Owner;
  region.owners.push(owner);
  return owner;
}

const ranges = (list: readonly Region[]): string[] => list.map(({ start, end }) => `${start}-${end}`);

describe('the ranges of a resource manager', () => {
  it('give the lowest place that suits', () => {
    const regions = managed(0n, 99n);
    expect(take(regions, 0n, RM_MAX_END, 10n)?.region.start).toBe(0n);
    expect(take(regions, 0n, RM_MAX_END, 10n)?.region.start).toBe(10n);
    expect(take(regions, 50n, 99n, 10n)?.region.start).toBe(50n);
    expect(ranges(regions.list)).toEqual(['0-9', '10-19', '20-49', '50-59', '60-99']);
  });

  it('are aligned as the flags say, and cross no bound', () => {
    const regions = managed(1n, 1000n);
    expect(take(regions, 0n, RM_MAX_END, 4n, { flags: 4 << 10 })?.region.start).toBe(16n);
    expect(take(regions, 30n, RM_MAX_END, 8n, { bound: 32n })?.region.start).toBe(32n);
  });

  it('refuse what is taken, or outside', () => {
    const regions = managed(0n, 9n);
    take(regions, 0n, 9n, 10n);
    expect(take(regions, 0n, 9n, 1n)).toBeUndefined();
    expect(take(managed(0n, 9n), 5n, 14n, 10n)).toBeUndefined();
  });

  it('are shared by those who say so', () => {
    const regions = managed(0n, 9n);
    const first = take(regions, 3n, 3n, 1n, { flags: RF_SHAREABLE });
    const second = take(regions, 3n, 3n, 1n, { flags: RF_SHAREABLE });
    expect(second?.region).toBe(first?.region);
    expect(take(regions, 3n, 3n, 1n)).toBeUndefined();
  });

  it('become one again when they are given back', () => {
    const regions = managed(0n, 99n);
    const owners = [take(regions, 10n, 19n, 10n), take(regions, 20n, 29n, 10n)];
    for (const owner of owners) if (owner) regions.release(owner);
    expect(ranges(regions.list)).toEqual(['0-99']);
  });

  it('grow into what is free beside them, and shrink', () => {
    const regions = managed(0n, 99n);
    const owner = take(regions, 10n, 19n, 10n);
    if (!owner) throw new Error('not taken');
    expect(regions.adjust(owner.region, 5n, 24n)).toBe('done');
    expect(ranges(regions.list)).toEqual(['0-4', '5-24', '25-99']);
    expect(regions.adjust(owner.region, 10n, 14n)).toBe('done');
    expect(ranges(regions.list)).toEqual(['0-9', '10-14', '15-99']);
    take(regions, 15n, 15n, 1n);
    expect(regions.adjust(owner.region, 10n, 15n)).toBe('busy');
    expect(regions.adjust(owner.region, 50n, 60n)).toBe('invalid');
  });
});
