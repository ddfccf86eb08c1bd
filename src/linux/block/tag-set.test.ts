import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { EINVAL, EIO, ENOMEM } from '../errno.js';
import { XArrays } from '../lib/xarray/xarray.js';
import { type Guest, guest } from '../testing/guest.js';

let g: Guest;
let ops: Ptr;
/** What the driver's functions were called with. */
let calls: string[] = [];
let failAt = -1;
let failFrom = Number.POSITIVE_INFINITY;

beforeAll(() => {
  g = guest();
  const type = g.k.struct('blk_mq_ops');
  ops = g.struct.blk_mq_ops();
  type.bind(ops, 'queue_rq', 'test_queue_rq', () => 0);
  type.bind(ops, 'init_request', 'test_init_request', (_set: Ptr, _rq: Ptr, queue: number, node: number) => {
    calls.push(`init ${queue} ${node | 0}`);
    const nr = calls.length - 1;
    return nr === failAt || nr >= failFrom ? -EIO : 0;
  });
  type.bind(ops, 'exit_request', 'test_exit_request', (_set: Ptr, _rq: Ptr, queue: number) => {
    calls.push(`exit ${queue}`);
  });
});

const tagSet = (members: Readonly<Record<string, number>> = {}): Ptr =>
  g.struct.blk_mq_tag_set({ ops, nr_hw_queues: 1, queue_depth: 2, cmd_size: 16, ...members });

/** The requests of the first hardware queue. */
function requestsOf(set: Ptr): Ptr[] {
  const { k } = g;
  const sets = k.struct('blk_mq_tag_set');
  const tags = k.struct('blk_mq_tags');
  const first = k.space.loadPtr(sets.get(set, 'tags'));
  const table = tags.get(first, 'static_rqs');
  return Array.from({ length: tags.get(first, 'nr_tags') }, (_, i) => k.space.loadPtr(table + 8 * i));
}

describe('a tag set', () => {
  it('makes its requests with the driver’s data behind each, and tells the driver of each', () => {
    calls = [];
    const set = tagSet();
    expect(g.call.blk_mq_alloc_tag_set(set)).toBe(0);
    expect(calls).toEqual(['init 0 -1', 'init 0 -1']);
    const [first, second] = requestsOf(set);
    expect(second - first).toBeGreaterThanOrEqual(g.k.sizeOf('request') + 16);
    calls = [];
    g.call.blk_mq_free_tag_set(set);
    expect(calls).toEqual(['exit 0', 'exit 0']);
    expect(g.reports()).toEqual([]);
  });

  it('gives everything back that it asked for', () => {
    const set = tagSet({ queue_depth: 64 });
    const { bytes } = g.k.ledger;
    g.call.blk_mq_alloc_tag_set(set);
    expect(g.k.ledger.bytes).toBeGreaterThan(bytes);
    g.call.blk_mq_free_tag_set(set);
    expect(g.k.ledger.bytes).toBe(bytes);
  });

  it('makes do with half of its requests where the driver does not take them all', () => {
    calls = [];
    failAt = 1;
    const set = tagSet({ queue_depth: 8 });
    expect(g.call.blk_mq_alloc_tag_set(set)).toBe(0);
    failAt = -1;
    expect(calls).toEqual(['init 0 -1', 'init 0 -1', 'exit 0', ...Array(4).fill('init 0 -1')]);
    expect(g.k.struct('blk_mq_tag_set').get(set, 'queue_depth')).toBe(4);
    expect(g.k.log.linesFrom(0).at(-1)).toBe('blk-mq: reduced tag depth (8 -> 4)');
    g.call.blk_mq_free_tag_set(set);
  });

  it('is not made where the driver takes none', () => {
    calls = [];
    failFrom = 0;
    const { bytes } = g.k.ledger;
    const set = tagSet({ queue_depth: 8, reserved_tags: 2 });
    expect(g.call.blk_mq_alloc_tag_set(set)).toBe(-ENOMEM);
    failFrom = Number.POSITIVE_INFINITY;
    expect(calls).toEqual(['init 0 -1', 'init 0 -1']);
    expect(g.k.struct('blk_mq_tag_set').get(set, 'queue_depth')).toBe(2);
    expect(g.k.log.linesFrom(0).at(-1)).toBe('blk-mq: failed to allocate request map');
    g.k.slab.free(set);
    expect(g.k.ledger.bytes).toBe(bytes);
  });

  it.each([
    ['no hardware queue', { nr_hw_queues: 0 }],
    ['no request', { queue_depth: 0 }],
    ['reserved tags', { reserved_tags: 2 }],
  ])('needs more than %s', (_what, members) => {
    expect(g.call.blk_mq_alloc_tag_set(tagSet(members))).toBe(-EINVAL);
  });

  it('needs a function that takes requests', () => {
    expect(g.call.blk_mq_alloc_tag_set(tagSet({ ops: g.struct.blk_mq_ops() }))).toBe(-EINVAL);
  });

  it('has 10240 requests at most, and one hardware queue for one CPU', () => {
    const type = g.k.struct('blk_mq_tag_set');
    const plain = g.struct.blk_mq_ops();
    g.k.struct('blk_mq_ops').set(plain, 'queue_rq', g.k.struct('blk_mq_ops').get(ops, 'queue_rq'));
    const set = tagSet({ ops: plain, nr_hw_queues: 8, queue_depth: 20000 });
    expect(g.call.blk_mq_alloc_tag_set(set)).toBe(0);
    expect(type.get(set, 'queue_depth')).toBe(10240);
    expect(type.get(set, 'nr_hw_queues')).toBe(1);
    expect(g.k.log.linesFrom(0)).toContain('blk-mq: reduced tag depth to 10240');
    g.call.blk_mq_free_tag_set(set);
  });
});

describe('a queue of a tag set', () => {
  it('has a hardware context, which the driver gets its data for', () => {
    const { k } = g;
    const type = k.struct('blk_mq_ops');
    const told: unknown[] = [];
    const own = g.struct.blk_mq_ops();
    type.set(own, 'queue_rq', type.get(ops, 'queue_rq'));
    type.bind(own, 'init_hctx', 'test_init_hctx', (_context: Ptr, data: Ptr, index: number) => {
      told.push(['init', data, index]);
      return 0;
    });
    type.bind(own, 'exit_hctx', 'test_exit_hctx', (_context: Ptr, index: number) => {
      told.push(['exit', index]);
    });
    const data = k.slab.allocateBytes(8, true);
    const set = tagSet({ ops: own, driver_data: data });
    g.call.blk_mq_alloc_tag_set(set);
    const q = g.call.blk_mq_init_queue(set);
    const contexts = k.struct('request_queue').addr(q, 'hctx_table');
    const context = k.space.fromAddress(k.get(XArrays).arrays.load(contexts, 0n));
    expect(k.struct('blk_mq_hw_ctx').get(context, 'queue')).toBe(q);
    g.call.blk_mq_destroy_queue(q);
    g.call.blk_put_queue(q);
    expect(told).toEqual([
      ['init', data, 0],
      ['exit', 0],
    ]);
    g.call.blk_mq_free_tag_set(set);
    expect(g.reports()).toEqual([]);
  });
});
