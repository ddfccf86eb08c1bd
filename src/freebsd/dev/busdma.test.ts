import { describe, expect, it } from 'vitest';
import { EBUSY, EFBIG } from '../errno.js';
import { Booted } from '../testing/booted.js';
import { BusDma } from './busdma.js';

const EVERYWHERE = 0xffff_ffff_ffff_ffffn;

interface Wanted {
  readonly maxsize?: bigint;
  readonly nsegments?: number;
  readonly maxsegsz?: bigint;
  readonly boundary?: bigint;
}

function tagOf(machine: Booted, wanted: Wanted = {}): number {
  const { k } = machine;
  const place = k.permanent(8);
  const { maxsize = 65536n, nsegments = 16, maxsegsz = 65536n, boundary = 0n } = wanted;
  k.get(BusDma).exports.bus_dma_tag_create(
    0,
    1n,
    boundary,
    EVERYWHERE,
    EVERYWHERE,
    0,
    0,
    maxsize,
    nsegments,
    maxsegsz,
    0,
    0,
    0,
    place,
  );
  return k.space.loadPtr(place);
}

/** Loads memory and gives the lengths of the segments that the callback was told. */
function load(machine: Booted, tag: number, bytes: number) {
  const { k } = machine;
  const told: { lengths: bigint[]; error: number }[] = [];
  const callback = k.exports.hostFunction(
    'test_callback',
    'v:ppii',
    (_arg: number, segments: number, count: number, error: number) => {
      told.push({
        lengths: Array.from({ length: count }, (_, i) => k.space.load64(segments + 16 * i + 8)),
        error,
      });
    },
  );
  const buffer = k.slab.allocateBytes(8192, true);
  machine.run(k.get(BusDma).exports.bus_dmamap_load(tag, 0, buffer, BigInt(bytes), callback, 0));
  return told;
}

describe('bus_dma', () => {
  it('loads contiguous memory as one segment', () => {
    const machine = new Booted([]);
    expect(load(machine, tagOf(machine), 6000)).toEqual([{ lengths: [6000n], error: 0 }]);
  });

  it('cuts it at the largest segment and at boundaries', () => {
    const machine = new Booted([]);
    expect(load(machine, tagOf(machine, { maxsegsz: 2048n }), 5000)[0].lengths).toEqual([2048n, 2048n, 904n]);
    const other = new Booted([]);
    expect(load(other, tagOf(other, { boundary: 4096n }), 8192)[0].lengths).toEqual([4096n, 4096n]);
  });

  it('tells the callback that there are too many segments', () => {
    const machine = new Booted([]);
    const tag = tagOf(machine, { maxsegsz: 1024n, nsegments: 2 });
    expect(load(machine, tag, 4096)).toEqual([{ lengths: [], error: EFBIG }]);
  });

  it('keeps a tag while there are maps of it, and says what is held', () => {
    const machine = new Booted([]);
    const { k } = machine;
    const { exports } = k.get(BusDma);
    const tag = tagOf(machine);
    const implementation = k.space.loadPtr(tag);
    const create = k.space.loadPtr(implementation + 4 * 8);
    const destroy = k.space.loadPtr(implementation + 5 * 8);
    const place = k.permanent(8);
    expect(machine.run(k.callAs('i:pip', create, tag, 0, place))).toBe(0);
    const kinds = (): string[] => [...k.get(BusDma).holds()].map(({ kind }) => kind);
    expect(kinds()).toEqual(['DMA tag', 'DMA map']);
    expect(exports.bus_dma_tag_destroy(tag)).toBe(EBUSY);
    machine.run(k.callAs('i:pp', destroy, tag, k.space.loadPtr(place)));
    expect(exports.bus_dma_tag_destroy(tag)).toBe(0);
    expect(kinds()).toEqual([]);
  });
});
