import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { TASK_NORMAL } from '../abi/task-state.js';
import { errPtr, isErr } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import { Kobjects } from '../kobject/kobject.js';
import { XArrays } from '../lib/xarray/xarray.js';
import { Mutexes } from '../locking/mutex.js';
import { WaitQueues } from '../sched/wait.js';
import type { Subsystem } from '../subsystem.js';
import { Once, warn } from '../warn.js';
import { QueueLimits } from './queue-limits.js';

/** Requests that a queue without a tag set holds (BLKDEV_DEFAULT_RQ). */
const DEFAULT_REQUESTS = 128;
/** IO_STAT, SAME_COMP, NOWAIT (QUEUE_FLAG_MQ_DEFAULT). */
const MQ_FLAGS = (1n << 7n) | (1n << 4n) | (1n << 29n);
const LISTS = ['icq_list', 'blkg_list', 'requeue_list', 'unused_hctx_list', 'tag_set_list'];
const LOCKS = ['sysfs_lock', 'sysfs_dir_lock', 'mq_freeze_lock', 'debugfs_mutex'];
const TIMEOUT_SECONDS = 30;

/** struct request_queue: making and releasing them (block/blk-core.c, block/blk-mq.c). */
export class RequestQueues implements Subsystem {
  static readonly builtIn = 'CONFIG_BLOCK';

  private readonly once = new Once();
  private nextId = 0;
  private kobjType: Ptr = 0;
  /** struct blk_mq_hw_ctx of each queue. */
  private readonly contexts = new Map<Ptr, Ptr[]>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    blk_put_queue: (q: Ptr) => this.put(q),
    blk_get_queue: (q: Ptr) => this.get(q),
    blk_mq_init_queue: (set: Ptr) => this.forTagSet(set, 0),
    blk_mq_alloc_queue: (set: Ptr, limits: Ptr, data: Ptr) => this.withLimits(set, limits, data),
    blk_mq_destroy_queue: (q: Ptr) => this.leaveTagSet(q),
    blk_set_pm_only: (q: Ptr) => void this.addPmOnly(q, 1),
    blk_clear_pm_only: (q: Ptr) => this.clearPmOnly(q),
  };

  /** A queue with one reference, for bios only until it is given a tag set. */
  alloc(): Ptr {
    const { k } = this;
    const type = k.struct('request_queue');
    const q = k.slab.allocateBytes(type.size, true);
    if (q === 0) return 0;
    type.set(q, 'id', this.nextId++);
    for (const name of LISTS) if (type.has(name)) list.init(k.space, type.addr(q, name));
    for (const name of LOCKS) if (type.has(name)) k.get(Mutexes).init(type.addr(q, name));
    list.init(k.space, type.addr(q, 'mq_freeze_wq.head'));
    k.get(QueueLimits).setDefaults(type.addr(q, 'limits'));
    type.set(q, 'nr_requests', DEFAULT_REQUESTS);
    if (this.isObject) k.get(Kobjects).init(type.addr(q, 'kobj'), this.type());
    else type.set(q, 'refs.refs.counter', 1);
    return q;
  }

  /** How many have it that only requests of power management pass. */
  private addPmOnly(q: Ptr, by: number): number {
    const type = this.k.struct('request_queue');
    type.set(q, 'pm_only.counter', type.get(q, 'pm_only.counter') + by);
    return type.get(q, 'pm_only.counter');
  }

  private *clearPmOnly(q: Ptr): Sleepable<void> {
    const left = this.addPmOnly(q, -1);
    if (left < 0 && this.once.first('pm_only')) warn(this.k, '', 'block/blk-core.c', 'blk_clear_pm_only');
    if (left !== 0) return;
    const freeze = this.k.struct('request_queue').addr(q, 'mq_freeze_wq');
    yield* this.k.get(WaitQueues).wakeUp(freeze, TASK_NORMAL, 0, 0);
  }

  /** blk_mq_alloc_queue(): as blk_mq_init_queue(), with the limits of its device if `limits` is not NULL. */
  private *withLimits(set: Ptr, limits: Ptr, data: Ptr): Sleepable<Ptr> {
    const q = yield* this.forTagSet(set, data);
    if (isErr(q) || limits === 0) return q;
    const error = this.k.get(QueueLimits).commit(q, limits);
    if (error === 0) return q;
    yield* this.put(q);
    return errPtr(-error);
  }

  /** blk_mq_init_queue(): a queue whose requests come from a tag set, or an ERR_PTR. */
  *forTagSet(set: Ptr, data: Ptr): Sleepable<Ptr> {
    const { k } = this;
    const q = this.alloc();
    const type = k.struct('request_queue');
    const sets = k.struct('blk_mq_tag_set');
    const hz = Number(k.target.config.get('CONFIG_HZ') ?? '250');
    type.set(q, 'queuedata', data);
    type.set(q, 'mq_ops', sets.get(set, 'ops'));
    type.set(q, 'nr_hw_queues', sets.get(set, 'nr_hw_queues'));
    type.set(q, 'nr_requests', sets.get(set, 'queue_depth'));
    type.set(q, 'tag_set', set);
    type.set(q, 'rq_timeout', sets.get(set, 'timeout') || TIMEOUT_SECONDS * hz);
    type.setBig(q, 'queue_flags', type.getBig(q, 'queue_flags') | MQ_FLAGS);
    list.addTail(k.space, type.addr(q, 'tag_set_list'), sets.addr(set, 'tag_list'));
    const error = yield* this.makeContexts(q, set);
    if (error === 0) return q;
    yield* this.leaveTagSet(q);
    yield* this.put(q);
    return errPtr(-error);
  }

  *put(q: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('request_queue');
    if (this.isObject) {
      yield* k.get(Kobjects).put(type.addr(q, 'kobj'));
      return;
    }
    const references = type.get(q, 'refs.refs.counter') - 1;
    type.set(q, 'refs.refs.counter', references);
    if (references === 0) k.slab.free(q);
  }

  /** Adds a disk's `queue` directory below its device. */
  *addDirectory(disk: Ptr, parent: Ptr): Sleepable<number> {
    const kobjects = this.k.get(Kobjects);
    const kobject = this.directoryOf(disk);
    if (!this.isObject) kobjects.init(kobject, this.type());
    return yield* kobjects.add(kobject, parent, 'queue');
  }

  *removeDirectory(disk: Ptr): Sleepable<void> {
    const kobjects = this.k.get(Kobjects);
    yield* kobjects.del(this.directoryOf(disk));
    if (!this.isObject) yield* kobjects.put(this.directoryOf(disk));
  }

  /** Whether the queue itself is the kobject that counts its references; else the disk has one for the directory. */
  private get isObject(): boolean {
    return this.k.struct('request_queue').has('kobj');
  }

  private directoryOf(disk: Ptr): Ptr {
    // structs: gendisk.queue_kobj is there where the queue is no kobject.
    const type = this.k.struct('gendisk');
    return this.isObject
      ? this.k.struct('request_queue').addr(type.get(disk, 'queue'), 'kobj')
      : type.addr(disk, 'queue_kobj');
  }

  private get(q: Ptr): boolean {
    const type = this.k.struct('request_queue');
    const counter = this.isObject ? 'kobj.kref.refcount.refs.counter' : 'refs.refs.counter';
    type.set(q, counter, type.get(q, counter) + 1);
    return true;
  }

  /** Hardware contexts, each told to the driver. */
  private *makeContexts(q: Ptr, set: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('blk_mq_hw_ctx');
    const sets = k.struct('blk_mq_tag_set');
    const made: Ptr[] = [];
    this.contexts.set(q, made);
    const ops = k.struct('blk_mq_ops');
    const operations = sets.get(set, 'ops');
    const told = ops.get(operations, 'init_hctx') !== 0;
    const table = k.struct('request_queue').addr(q, 'hctx_table');
    for (let index = 0; index < sets.get(set, 'nr_hw_queues'); index++) {
      const context = k.slab.allocateBytes(type.size, true);
      list.init(k.space, type.addr(context, 'dispatch'));
      list.init(k.space, type.addr(context, 'hctx_list'));
      type.set(context, 'queue', q);
      type.set(context, 'queue_num', index);
      type.set(context, 'flags', sets.get(set, 'flags'));
      type.set(context, 'tags', k.space.loadPtr(sets.get(set, 'tags') + index * 8));
      made.push(context);
      const data = sets.get(set, 'driver_data');
      const error = told ? yield* ops.call(operations, 'init_hctx', context, data, index) : 0;
      if (error !== 0) return error;
      k.get(XArrays).arrays.store(table, BigInt(index), k.space.toAddress(context));
    }
    return 0;
  }

  /** blk_mq_exit_queue() */
  *leaveTagSet(q: Ptr): Sleepable<void> {
    const { k } = this;
    const type = k.struct('request_queue');
    const operations = type.get(q, 'mq_ops');
    const contexts = this.contexts.get(q);
    if (operations === 0 || !contexts) return;
    this.contexts.delete(q);
    const ops = k.struct('blk_mq_ops');
    const told = ops.get(operations, 'exit_hctx') !== 0;
    for (const [index, context] of contexts.entries()) {
      if (told) yield* ops.call(operations, 'exit_hctx', context, index);
      k.get(XArrays).arrays.erase(type.addr(q, 'hctx_table'), BigInt(index));
      k.slab.free(context);
    }
    list.delInit(k.space, type.addr(q, 'tag_set_list'));
  }

  private type(): Ptr {
    const { k } = this;
    if (this.kobjType !== 0) return this.kobjType;
    const types = k.struct('kobj_type');
    this.kobjType = k.permanent(types.size);
    types.bind(this.kobjType, 'release', 'blk_release_queue', (kobject: Ptr) => {
      if (this.isObject) k.slab.free(k.struct('request_queue').of(kobject, 'kobj'));
    });
    return this.kobjType;
  }
}
