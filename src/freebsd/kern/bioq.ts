import type { Ptr } from '../../cpu/layout.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { TailQueue } from './queue.js';

/** Requests that are sorted one after another before one goes to the end regardless (bioq_batchsize of sys/kern/subr_disk.c). */
const BATCH = 128;

/** Queues of requests that drivers keep: struct bio_queue_head (sys/kern/subr_disk.c). */
export class BioQueues implements Subsystem {
  private readonly list: TailQueue;

  constructor(private readonly k: FreebsdKernel) {
    this.list = new TailQueue(k.space, k.struct('bio').offsetOf('bio_queue'));
  }

  readonly exports = {
    bioq_init: (head: Ptr) => this.init(head),
    bioq_first: (head: Ptr) => this.list.first(this.queue(head)),
    bioq_takefirst: (head: Ptr) => this.takeFirst(head),
    bioq_remove: (head: Ptr, bio: Ptr) => this.remove(head, bio),
    bioq_insert_tail: (head: Ptr, bio: Ptr) => this.insertTail(head, bio),
    bioq_insert_head: (head: Ptr, bio: Ptr) => this.insertHead(head, bio),
    bioq_disksort: (head: Ptr, bio: Ptr) => this.sort(head, bio),
  };

  private get type() {
    return this.k.struct('bio_queue_head');
  }

  private get bio() {
    return this.k.struct('bio');
  }

  private queue(head: Ptr): Ptr {
    return this.type.addr(head, 'queue');
  }

  private add(head: Ptr, member: string, more: number): void {
    this.type.set(head, member, this.type.get(head, member) + more);
  }

  private init(head: Ptr): void {
    this.list.init(this.queue(head));
    for (const member of ['last_offset', 'insert_point', 'total', 'batched']) this.type.set(head, member, 0);
  }

  private remove(head: Ptr, bio: Ptr): void {
    const { type, list } = this;
    if (type.get(head, 'insert_point') === 0) {
      if (bio === list.first(this.queue(head)))
        type.set(head, 'last_offset', this.bio.get(bio, 'bio_offset') + this.bio.get(bio, 'bio_length'));
    } else if (bio === type.get(head, 'insert_point')) type.set(head, 'insert_point', 0);
    list.remove(this.queue(head), bio);
    if (list.first(this.queue(head)) === 0) type.set(head, 'batched', 0);
    this.add(head, 'total', -1);
  }

  private takeFirst(head: Ptr): Ptr {
    const bio = this.list.first(this.queue(head));
    if (bio !== 0) this.remove(head, bio);
    return bio;
  }

  private insertHead(head: Ptr, bio: Ptr): void {
    const { list, type } = this;
    const first = list.first(this.queue(head));
    if (type.get(head, 'insert_point') === 0) type.set(head, 'last_offset', this.bio.get(bio, 'bio_offset'));
    if (first === 0) list.insertTail(this.queue(head), bio);
    else list.insertBefore(first, bio);
    this.add(head, 'total', 1);
    type.set(head, 'batched', 0);
  }

  private insertTail(head: Ptr, bio: Ptr): void {
    const { type } = this;
    this.list.insertTail(this.queue(head), bio);
    this.add(head, 'total', 1);
    type.set(head, 'batched', 0);
    type.set(head, 'insert_point', bio);
    type.set(head, 'last_offset', this.bio.get(bio, 'bio_offset'));
  }

  /** How far the head of the disk goes from where it was: one way, and then from the beginning. */
  private key(head: Ptr, bio: Ptr): bigint {
    return BigInt.asUintN(64, BigInt(this.bio.get(bio, 'bio_offset') - this.type.get(head, 'last_offset')));
  }

  private sort(head: Ptr, bio: Ptr): void {
    const { type, list, k } = this;
    const command = this.bio.get(bio, 'bio_cmd');
    const sortable = ['BIO_READ', 'BIO_WRITE', 'BIO_DELETE'].some((name) => command === k.macro(name));
    if (!sortable || (this.bio.get(bio, 'bio_flags') & k.macro('BIO_ORDERED')) !== 0) {
      this.insertTail(head, bio);
      return;
    }
    if (type.get(head, 'batched') > BATCH) {
      this.insertTail(head, bio);
      return;
    }
    const key = this.key(head, bio);
    const from = type.get(head, 'insert_point');
    let next = from === 0 ? list.first(this.queue(head)) : list.next(from);
    while (next !== 0 && key >= this.key(head, next)) next = list.next(next);
    if (next === 0) list.insertTail(this.queue(head), bio);
    else list.insertBefore(next, bio);
    this.add(head, 'total', 1);
    this.add(head, 'batched', 1);
  }
}
