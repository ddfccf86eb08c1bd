import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EIO } from '../errno.js';
import { Locks } from '../kern/locks.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import { Uma } from '../kern/uma.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Members that a clone of a bio has from it. */
const CLONED = [
  'bio_cmd',
  'bio_length',
  'bio_offset',
  'bio_data',
  'bio_ma',
  'bio_ma_n',
  'bio_ma_offset',
  'bio_attribute',
];
const CLONE_FLAGS = ['BIO_ORDERED', 'BIO_UNMAPPED', 'BIO_VLIST', 'BIO_SWAP'];
const DUPLICATE_FLAGS = ['BIO_UNMAPPED', 'BIO_VLIST'];

/** Requests to GEOM: struct bio (sys/geom/geom_io.c), and their end (sys/kern/vfs_bio.c). */
export class Bios implements Subsystem {
  private zone: Ptr = 0;

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    g_new_bio: () => this.make(false),
    g_alloc_bio: () => this.make(true),
    g_reset_bio: (bio: Ptr) => void this.k.space.writable(bio, this.type.size).fill(0),
    g_destroy_bio: (bio: Ptr) => this.destroy(bio),
    g_clone_bio: (bio: Ptr) => this.clone(bio, false, CLONE_FLAGS),
    g_duplicate_bio: (bio: Ptr) => this.clone(bio, true, DUPLICATE_FLAGS),
    biodone: (bio: Ptr) => this.done(bio),
    biowait: (bio: Ptr, message: Ptr) => this.wait(bio, this.k.space.cstring(message)),
    biofinish: (bio: Ptr, _stat: Ptr, error: number) => this.finish(bio, error),
  };

  boot(): void {
    const none = { ctor: 0, dtor: 0, init: 0, fini: 0 };
    this.zone = this.k.get(Uma).create('g_bio', this.type.size, none, 7, 0);
  }

  get type() {
    return this.k.struct('bio');
  }

  has(bio: Ptr, flag: string): boolean {
    return (this.type.get(bio, 'bio_flags') & this.k.macro(flag)) !== 0;
  }

  put(bio: Ptr, flag: string, value = true): void {
    const flags = this.type.get(bio, 'bio_flags');
    const bit = this.k.macro(flag);
    this.type.set(bio, 'bio_flags', value ? flags | bit : flags & ~bit);
  }

  /** An empty request: 0 only where nobody may wait for memory. */
  *make(wait: boolean): Sleepable<Ptr> {
    const { k } = this;
    return yield* k.get(Uma).alloc(this.zone, 0, k.macro(wait ? 'M_WAITOK' : 'M_NOWAIT') | k.macro('M_ZERO'));
  }

  *destroy(bio: Ptr): Sleepable<void> {
    yield* this.k.get(Uma).free(this.zone, bio, 0);
  }

  /** A request for a part of another: the other counts it. */
  *clone(bio: Ptr, wait: boolean, flags: readonly string[] = CLONE_FLAGS): Sleepable<Ptr> {
    const { k, type } = this;
    const copy = yield* this.make(wait);
    if (copy === 0) return 0;
    type.set(copy, 'bio_parent', bio);
    for (const member of CLONED) type.set(copy, member, type.get(bio, member));
    const kept = flags.reduce((bits, flag) => bits | k.macro(flag), 0);
    type.set(copy, 'bio_flags', type.get(bio, 'bio_flags') & kept);
    if (type.get(bio, 'bio_cmd') === k.macro('BIO_ZONE')) {
      const from = type.addr(bio, 'bio_zone');
      const bytes = k.sizeOf('disk_zone_args');
      k.space.writable(type.addr(copy, 'bio_zone'), bytes).set(k.space.readable(from, bytes));
    }
    type.set(bio, 'bio_children', type.get(bio, 'bio_children') + 1);
    return copy;
  }

  /** The end of a request: its own function is called, or who waits for it goes on. */
  *done(bio: Ptr): Sleepable<void> {
    const { k, type } = this;
    const fn = type.get(bio, 'bio_done');
    if (fn !== 0 && fn !== k.fn('biodone')) {
      yield* type.call(bio, 'bio_done', bio);
      return;
    }
    this.put(bio, 'BIO_DONE');
    k.get(SleepQueues).wakeAll(bio);
  }

  /** biowait(): the error that it ended with. */
  *wait(bio: Ptr, message: string): Sleepable<number> {
    const { k } = this;
    k.get(Locks).mightSleep(`biowait("${message}")`);
    while (!this.has(bio, 'BIO_DONE')) yield* k.get(SleepQueues).sleep(bio, { message });
    const error = this.type.get(bio, 'bio_error');
    if (error !== 0) return error;
    return this.has(bio, 'BIO_ERROR') ? EIO : 0;
  }

  /** biofinish(): the end of a request that nobody was asked for. */
  *finish(bio: Ptr, error: number): Sleepable<void> {
    if (error !== 0) {
      this.type.set(bio, 'bio_error', error);
      this.put(bio, 'BIO_ERROR');
    }
    yield* this.done(bio);
  }

  /** What a request is in words: `md0[READ(offset=0, length=512)]` (g_format_bio()). */
  text(bio: Ptr): string {
    const { k, type } = this;
    const to = type.get(bio, 'bio_to');
    const name = to === 0 ? '[unknown]' : k.struct('g_provider').string(to, 'name');
    const command = type.get(bio, 'bio_cmd');
    if (command === k.macro('BIO_GETATTR'))
      return `${name}[GETATTR(attr=${type.string(bio, 'bio_attribute')})]`;
    if (command === k.macro('BIO_FLUSH')) return `${name}[FLUSH]`;
    const word = ['READ', 'WRITE', 'DELETE'].find((one) => command === k.macro(`BIO_${one}`));
    if (word === undefined) return `${name}[UNKNOWN()]`;
    return `${name}[${word}(offset=${type.get(bio, 'bio_offset')}, length=${type.get(bio, 'bio_length')})]`;
  }
}
