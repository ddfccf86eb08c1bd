import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { EINVAL } from '../errno.js';
import { type Guest, guest } from '../testing/guest.js';
import { RequestQueues } from './queue.js';
import { QueueLimits } from './queue-limits.js';

let g: Guest;

beforeAll(() => {
  g = guest();
});

const newQueue = (): Ptr => g.k.get(RequestQueues).alloc();
/** A limit of a queue. */
const limit = (q: Ptr, name: string): number =>
  g.k.struct('queue_limits').get(g.k.struct('request_queue').addr(q, 'limits'), name);

describe('the limits of a new queue', () => {
  it('are what any device can take', () => {
    const q = newQueue();
    const limits = [
      'max_sectors',
      'max_hw_sectors',
      'logical_block_size',
      'max_segments',
      'max_segment_size',
    ];
    expect(limits.map((name) => limit(q, name))).toEqual([255, 255, 512, 128, 65536]);
  });
});

describe('the largest request', () => {
  it('is what the device can take, and 1280 KiB by default', () => {
    const q = newQueue();
    g.call.blk_queue_max_hw_sectors(q, 1024);
    expect([limit(q, 'max_hw_sectors'), limit(q, 'max_sectors')]).toEqual([1024, 1024]);
    g.call.blk_queue_max_hw_sectors(q, 65536);
    expect([limit(q, 'max_hw_sectors'), limit(q, 'max_sectors')]).toEqual([65536, 2560]);
  });

  it('is a page at least', () => {
    const q = newQueue();
    g.call.blk_queue_max_hw_sectors(q, 1);
    expect(limit(q, 'max_hw_sectors')).toBe(8);
    expect(g.k.log.linesFrom(0).at(-1)).toBe('blk_queue_max_hw_sectors: set to minimum 8');
  });

  it('is whole blocks', () => {
    const q = newQueue();
    g.call.blk_queue_logical_block_size(q, 4096);
    expect(limit(q, 'max_hw_sectors')).toBe(248);
    g.call.blk_queue_max_hw_sectors(q, 1001);
    expect(limit(q, 'max_hw_sectors')).toBe(1000);
  });
});

describe('blocks', () => {
  it('take the physical ones and the least transfer along', () => {
    const q = newQueue();
    g.call.blk_queue_logical_block_size(q, 4096);
    expect([limit(q, 'physical_block_size'), limit(q, 'io_min')]).toEqual([4096, 4096]);
    g.call.blk_queue_physical_block_size(q, 512);
    expect(limit(q, 'physical_block_size')).toBe(4096);
    g.call.blk_queue_io_min(q, 16384);
    expect(limit(q, 'io_min')).toBe(16384);
    g.call.blk_queue_io_min(q, 512);
    expect(limit(q, 'io_min')).toBe(4096);
  });
});

describe('limits that come as one struct', () => {
  const wanted = (members: Readonly<Record<string, number>> = {}): Ptr => g.struct.queue_limits(members);

  it('get what they leave open', () => {
    const q = newQueue();
    expect(g.k.get(QueueLimits).commit(q, wanted({ logical_block_size: 4096, max_hw_sectors: 1001 }))).toBe(
      0,
    );
    const limits = [
      'max_hw_sectors',
      'max_sectors',
      'physical_block_size',
      'io_min',
      'max_segments',
      'dma_alignment',
    ];
    expect(limits.map((name) => limit(q, name))).toEqual([1000, 1000, 4096, 4096, 128, 511]);
  });

  it.each([
    ['a block that is no power of two', { logical_block_size: 1536 }],
    ['a block of less than a sector', { logical_block_size: 256 }],
    ['requests of less than a page', { max_hw_sectors: 4 }],
    ['segments of less than a page', { max_segment_size: 512 }],
    ['a boundary within a page', { seg_boundary_mask: 0xff }],
  ])('are refused for %s, and change nothing', (_what, members) => {
    const q = newQueue();
    expect(g.k.get(QueueLimits).commit(q, wanted(members))).toBe(-EINVAL);
    expect([limit(q, 'logical_block_size'), limit(q, 'max_hw_sectors')]).toEqual([512, 255]);
  });
});

describe('flags of a queue', () => {
  it('say what they were before', () => {
    const q = newQueue();
    const bit = 9;
    expect(g.call.blk_queue_flag_test_and_set(bit, q)).toBe(0);
    expect(g.call.blk_queue_flag_test_and_set(bit, q)).toBe(1);
    g.call.blk_queue_flag_clear(bit, q);
    expect(g.call.blk_queue_flag_test_and_set(bit, q)).toBe(0);
  });
});
