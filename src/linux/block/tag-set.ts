import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_INFO } from '../../kernel/log.js';
import { SMP_CACHE_BYTES } from '../abi/cache.js';
import { list } from '../abi/list.js';
import { EINVAL, ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import { Mutexes } from '../locking/mutex.js';
import type { Subsystem } from '../subsystem.js';

/** BLK_MQ_MAX_DEPTH */
const BLK_MQ_MAX_DEPTH = 10240;
/** BLK_MQ_TAG_MIN: tags that are not reserved. */
const MIN_TAGS = 1;

/** Tag sets: the requests that the queues of one device share (block/blk-mq.c, block/blk-mq-tag.c). */
export class TagSets implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    blk_mq_alloc_tag_set: (set: Ptr) => this.alloc(set),
    blk_mq_free_tag_set: (set: Ptr) => this.free(set),
    blk_mq_alloc_sq_tag_set: (set: Ptr, operations: Ptr, depth: number, flags: number) =>
      this.allocSingle(set, operations, depth, flags),
    blk_mq_map_queues: (map: Ptr) => this.mapQueues(map),
  };

  private *allocSingle(set: Ptr, operations: Ptr, depth: number, flags: number): Sleepable<number> {
    const type = this.k.struct('blk_mq_tag_set');
    this.k.space.writable(set, type.size).fill(0);
    type.set(set, 'ops', operations);
    type.set(set, 'nr_hw_queues', 1);
    type.set(set, 'nr_maps', 1);
    type.set(set, 'queue_depth', depth);
    type.set(set, 'numa_node', -1);
    type.set(set, 'flags', flags);
    return yield* this.alloc(set);
  }

  private *alloc(set: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('blk_mq_tag_set');
    const operations = type.get(set, 'ops');
    const depth = type.get(set, 'queue_depth');
    const ops = k.struct('blk_mq_ops');
    if (type.get(set, 'nr_hw_queues') === 0 || depth === 0) return -EINVAL;
    if (depth < type.get(set, 'reserved_tags') + MIN_TAGS) return -EINVAL;
    if (ops.get(operations, 'queue_rq') === 0) return -EINVAL;
    if ((ops.get(operations, 'get_budget') === 0) !== (ops.get(operations, 'put_budget') === 0))
      return -EINVAL;
    if (depth > BLK_MQ_MAX_DEPTH) {
      k.log.line(`blk-mq: reduced tag depth to ${BLK_MQ_MAX_DEPTH}`, LOGLEVEL_INFO);
      type.set(set, 'queue_depth', BLK_MQ_MAX_DEPTH);
    }
    if (type.get(set, 'nr_maps') === 0) type.set(set, 'nr_maps', 1);
    // One CPU has no use for more hardware queues.
    if (type.get(set, 'nr_maps') === 1) type.set(set, 'nr_hw_queues', 1);
    list.init(k.space, type.addr(set, 'tag_list'));
    k.get(Mutexes).init(type.addr(set, 'tag_list_lock'));
    yield* this.makeMaps(set);
    const queues = type.get(set, 'nr_hw_queues');
    const tags = k.slab.allocateBytes(queues * 8, true);
    if (tags === 0) return -ENOMEM;
    type.set(set, 'tags', tags);
    if (yield* this.makeAllTags(set)) return 0;
    yield* this.free(set);
    return -ENOMEM;
  }

  /** blk_mq_alloc_set_map_and_rqs(): with half as many requests, and half of that, where they cannot be had. */
  private *makeAllTags(set: Ptr): Sleepable<boolean> {
    const { k } = this;
    const type = k.struct('blk_mq_tag_set');
    const wanted = type.get(set, 'queue_depth');
    const least = type.get(set, 'reserved_tags') + MIN_TAGS;
    while (!(yield* this.makeEveryQueue(set))) {
      const depth = type.get(set, 'queue_depth') >>> 1;
      type.set(set, 'queue_depth', depth);
      if (depth >= least) continue;
      k.log.line('blk-mq: failed to allocate request map', LOGLEVEL_ERR);
      return false;
    }
    const depth = type.get(set, 'queue_depth');
    if (depth !== wanted) k.log.line(`blk-mq: reduced tag depth (${wanted} -> ${depth})`, LOGLEVEL_INFO);
    return true;
  }

  /** The tags of every hardware queue, or of none. */
  private *makeEveryQueue(set: Ptr): Sleepable<boolean> {
    const queues = this.k.struct('blk_mq_tag_set').get(set, 'nr_hw_queues');
    for (let queue = 0; queue < queues; queue++) {
      if (yield* this.makeTags(set, queue)) continue;
      yield* this.freeQueues(set);
      return false;
    }
    return true;
  }

  private *makeMaps(set: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('blk_mq_tag_set');
    const map = k.struct('blk_mq_queue_map');
    const first = type.addr(set, 'map');
    for (let i = 0; i < type.get(set, 'nr_maps'); i++) {
      const at = first + i * map.size;
      map.set(at, 'mq_map', k.slab.allocateBytes(4, true));
      map.set(at, 'nr_queues', type.get(set, 'nr_hw_queues'));
    }
    const ops = k.struct('blk_mq_ops');
    const operations = type.get(set, 'ops');
    if (ops.get(operations, 'map_queues') !== 0) yield* ops.call(operations, 'map_queues', set);
    else this.mapQueues(first);
  }

  /** Every CPU, there is one, to the first queue of the map. */
  private mapQueues(map: Ptr): void {
    const type = this.k.struct('blk_mq_queue_map');
    this.k.space.store32(type.get(map, 'mq_map'), type.get(map, 'queue_offset'));
  }

  /** The tags of one hardware queue with a request, and the driver's data behind it, for each. */
  private *makeTags(set: Ptr, queue: number): Sleepable<boolean> {
    const { k } = this;
    const type = k.struct('blk_mq_tag_set');
    const tagType = k.struct('blk_mq_tags');
    const requests = k.struct('request');
    const depth = type.get(set, 'queue_depth');
    const tags = k.slab.allocateBytes(tagType.size, true);
    k.space.storePtr(type.get(set, 'tags') + queue * 8, tags);
    list.init(k.space, tagType.addr(tags, 'page_list'));
    tagType.set(tags, 'nr_tags', depth);
    tagType.set(tags, 'nr_reserved_tags', type.get(set, 'reserved_tags'));
    tagType.set(tags, 'rqs', k.slab.allocateBytes(depth * 8, true));
    const table = k.slab.allocateBytes(depth * 8, true);
    tagType.set(tags, 'static_rqs', table);
    const stride = Math.ceil((requests.size + type.get(set, 'cmd_size')) / SMP_CACHE_BYTES) * SMP_CACHE_BYTES;
    const memory = k.pages.allocateExact(depth * stride);
    if (memory === 0) return false;
    this.memory.set(tags, memory);
    const ops = k.struct('blk_mq_ops');
    const operations = type.get(set, 'ops');
    const told = ops.get(operations, 'init_request') !== 0;
    for (let i = 0; i < depth; i++) {
      const request = memory + i * stride;
      k.space.storePtr(table + i * 8, request);
      const error = told ? yield* ops.call(operations, 'init_request', set, request, queue, -1) : 0;
      if (error === 0) continue;
      k.space.storePtr(table + i * 8, 0);
      return false;
    }
    return true;
  }

  private readonly memory = new Map<Ptr, Ptr>();

  private *free(set: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('blk_mq_tag_set');
    if (type.get(set, 'tags') !== 0) {
      yield* this.freeQueues(set);
      k.slab.free(type.get(set, 'tags'));
    }
    type.set(set, 'tags', 0);
    const map = k.struct('blk_mq_queue_map');
    for (let i = 0; i < type.get(set, 'nr_maps'); i++) {
      const at = type.addr(set, 'map') + i * map.size;
      if (map.get(at, 'mq_map') !== 0) k.slab.free(map.get(at, 'mq_map'));
      map.set(at, 'mq_map', 0);
    }
  }

  private *freeQueues(set: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('blk_mq_tag_set');
    const table = type.get(set, 'tags');
    for (let queue = 0; queue < type.get(set, 'nr_hw_queues'); queue++) {
      const tags = k.space.loadPtr(table + queue * 8);
      if (tags !== 0) yield* this.freeTags(set, tags, queue);
      k.space.storePtr(table + queue * 8, 0);
    }
  }

  private *freeTags(set: Ptr, tags: Ptr, queue: number): Sleepable<void> {
    const { k } = this;
    const tagType = k.struct('blk_mq_tags');
    const table = tagType.get(tags, 'static_rqs');
    const operations = k.struct('blk_mq_tag_set').get(set, 'ops');
    const ops = k.struct('blk_mq_ops');
    const told = ops.get(operations, 'exit_request') !== 0;
    for (let i = 0; told && i < tagType.get(tags, 'nr_tags'); i++) {
      const request = k.space.loadPtr(table + i * 8);
      if (request !== 0) yield* ops.call(operations, 'exit_request', set, request, queue);
    }
    const memory = this.memory.get(tags);
    if (memory !== undefined) k.pages.free(memory);
    this.memory.delete(tags);
    k.slab.free(tagType.get(tags, 'rqs'));
    k.slab.free(table);
    k.slab.free(tags);
  }
}
