import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, EIO, ENOENT, ENOMEM, ENXIO, EPERM } from '../errno.js';
import { Devstat } from '../kern/devstat.js';
import { HZ } from '../kern/hz.js';
import { Threads } from '../kern/kthread.js';
import { Malloc } from '../kern/malloc.js';
import { Panic } from '../kern/panic.js';
import { SleepQueues } from '../kern/sleepqueue.js';
import { SubrPrf } from '../kern/subr_prf.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Bios } from './bios.js';
import { GeomEvents } from './events.js';
import { GeomObjects } from './objects.js';
import { GeomTopology } from './topology.js';

/** Requests that wait for one of GEOM's threads. */
interface Run {
  readonly queue: Ptr[];
  readonly channel: Ptr;
}

/** How requests go from consumers to providers and back (sys/geom/geom_io.c): by the threads g_down and g_up, or at once. */
export class GeomIo implements Subsystem {
  private readonly down: Run;
  private readonly up: Run;
  /** A request found no memory: the next one waits a little. */
  private pace = false;
  private readonly pause: Ptr;

  constructor(private readonly k: FreebsdKernel) {
    this.down = { queue: [], channel: k.permanent(8) };
    this.pause = k.permanent(8);
    this.up = { queue: [], channel: k.permanent(8) };
  }

  readonly exports = {
    g_io_request: (bio: Ptr, consumer: Ptr) => this.request(bio, consumer),
    g_io_deliver: (bio: Ptr, error: number) => this.deliver(bio, error),
    g_std_done: (bio: Ptr) => this.stdDone(bio),
    g_read_data: (consumer: Ptr, offset: number, length: number, place: Ptr) =>
      this.readData(consumer, offset, length, place),
    g_write_data: (consumer: Ptr, offset: number, data: Ptr, length: number) =>
      this.writeData(consumer, offset, data, length),
    g_delete_data: (consumer: Ptr, offset: number, length: number) =>
      this.deleteData(consumer, offset, length),
    g_use_g_read_data: (consumer: Ptr, offset: number, place: Ptr, bytes: number) =>
      this.useRead(consumer, offset, place, bytes),
    g_use_g_write_data: (consumer: Ptr, offset: number, data: Ptr, bytes: number) =>
      this.writeData(consumer, offset, data, bytes),
    g_io_flush: (consumer: Ptr) => this.flush(consumer),
  };

  boot(): void {
    const { process } = this.k.get(GeomEvents);
    const threads = this.k.get(Threads);
    threads.start('g_up', process, this.serveUp());
    threads.start('g_down', process, this.serveDown());
  }

  private get bios(): Bios {
    return this.k.get(Bios);
  }

  private get objects(): GeomObjects {
    return this.k.get(GeomObjects);
  }

  private get isGeomThread(): boolean {
    const { current } = this.k.executor;
    return current !== undefined && this.k.processes.processOf(current) === this.k.get(GeomEvents).process;
  }

  *request(bio: Ptr, consumer: Ptr): Sleepable<void> {
    const { k, bios, objects } = this;
    const { type } = bios;
    const provider = objects.consumer.get(consumer, 'provider');
    this.demand(provider !== 0, () => 'consumer not attached in g_io_request');
    this.demandSane(bio, provider);
    type.set(bio, 'bio_from', consumer);
    type.set(bio, 'bio_to', provider);
    type.set(bio, 'bio_error', 0);
    type.set(bio, 'bio_completed', 0);
    this.demandNotQueued(bio);
    k.get(Devstat).start(objects.provider.get(provider, 'stat'));
    objects.consumer.set(consumer, 'nstart', objects.consumer.get(consumer, 'nstart') + 1);
    const direct =
      objects.has(consumer, 'G_CF_DIRECT_SEND') &&
      objects.has(provider, 'G_PF_DIRECT_RECEIVE') &&
      !this.isGeomThread &&
      !this.pace;
    if (direct) yield* this.start(bio);
    else this.enqueue(bio, this.down);
  }

  private demand(holds: boolean, message: () => string): void {
    this.k.get(GeomTopology).demand(holds, message);
  }

  private demandNotQueued(bio: Ptr): void {
    const address = (): string => this.k.space.toAddress(bio).toString(16);
    this.demand(!this.bios.has(bio, 'BIO_ONQUEUE'), () => `Bio already on queue bp=0x${address()}`);
  }

  /** What a kernel with INVARIANTS says of a request. */
  private demandSane(bio: Ptr, provider: Ptr): void {
    const { type } = this.bios;
    const command = type.get(bio, 'bio_cmd');
    const is = (...names: readonly string[]): boolean => names.some((name) => command === this.k.macro(name));
    const data = type.get(bio, 'bio_data');
    if (is('BIO_READ', 'BIO_WRITE', 'BIO_GETATTR'))
      this.demand(
        data !== 0 || this.bios.has(bio, 'BIO_UNMAPPED'),
        () => `NULL bp->data in g_io_request(cmd=${command})`,
      );
    if (is('BIO_DELETE', 'BIO_FLUSH'))
      this.demand(data === 0, () => `non-NULL bp->data in g_io_request(cmd=${command})`);
    if (!is('BIO_READ', 'BIO_WRITE', 'BIO_DELETE')) return;
    const sector = this.objects.provider.get(provider, 'sectorsize');
    const [offset, length] = [type.get(bio, 'bio_offset'), type.get(bio, 'bio_length')];
    this.demand(
      sector === 0 || offset % sector === 0,
      () => `wrong offset ${offset} for sectorsize ${sector}`,
    );
    this.demand(
      sector === 0 || length % sector === 0,
      () => `wrong length ${length} for sectorsize ${sector}`,
    );
  }

  private enqueue(bio: Ptr, { queue, channel }: Run): void {
    queue.push(bio);
    this.bios.put(bio, 'BIO_ONQUEUE');
    if (queue.length === 1) this.k.get(SleepQueues).wakeAll(channel);
  }

  private *take({ queue, channel }: Run): Sleepable<Ptr> {
    let bio = queue.shift();
    while (bio === undefined) {
      yield* this.k.get(SleepQueues).sleep(channel, { message: '-' });
      bio = queue.shift();
    }
    this.bios.put(bio, 'BIO_ONQUEUE', false);
    return bio;
  }

  private *serveDown(): Sleepable<void> {
    for (;;) {
      const bio = yield* this.take(this.down);
      if (this.pace) {
        const { k } = this;
        yield* k.get(SleepQueues).sleep(this.pause, { message: 'g_down', until: k.clock.now + 1e9 / HZ });
        this.pace = false;
      }
      yield* this.withoutSleeping(this.start(bio));
    }
  }

  private *serveUp(): Sleepable<void> {
    for (;;) {
      const bio = yield* this.take(this.up);
      yield* this.withoutSleeping(this.bios.done(bio));
    }
  }

  /** THREAD_NO_SLEEPING(): who works in GEOM's threads stops everybody's requests. */
  private *withoutSleeping(body: Sleepable<void>): Sleepable<void> {
    const { k } = this;
    const thread = k.struct('thread');
    const { curthread } = k;
    thread.set(curthread, 'td_no_sleeping', thread.get(curthread, 'td_no_sleeping') + 1);
    yield* body;
    thread.set(curthread, 'td_no_sleeping', thread.get(curthread, 'td_no_sleeping') - 1);
  }

  /** Hands a request to the geom of its provider, or ends it. */
  private *start(bio: Ptr): Sleepable<void> {
    const verdict = this.check(bio);
    if (verdict !== undefined) {
      yield* this.deliver(bio, verdict);
      return;
    }
    const { geom, provider } = this.objects;
    const to = this.bios.type.get(bio, 'bio_to');
    yield* geom.call(provider.get(to, 'geom'), 'start', bio);
  }

  /** g_io_check(): how a request ends that the provider is not bothered with; undefined for one that is its. */
  private check(bio: Ptr): number | undefined {
    const { k, bios, objects } = this;
    const { type } = bios;
    const [from, to] = [type.get(bio, 'bio_from'), type.get(bio, 'bio_to')];
    const command = type.get(bio, 'bio_cmd');
    const is = (...names: readonly string[]): boolean => names.some((name) => command === k.macro(name));
    const reads = is('BIO_READ', 'BIO_GETATTR');
    const writes = is('BIO_WRITE', 'BIO_DELETE', 'BIO_SPEEDUP', 'BIO_FLUSH', 'BIO_ZONE');
    if (!reads && !writes) return EPERM;
    if (objects.consumer.get(from, reads ? 'acr' : 'acw') === 0) return EPERM;
    const error = objects.provider.get(to, 'error');
    if (error !== 0) return error;
    if (objects.has(from, 'G_CF_ORPHAN')) return ENXIO;
    return is('BIO_READ', 'BIO_WRITE', 'BIO_DELETE') ? this.checkRange(bio, to) : undefined;
  }

  private checkRange(bio: Ptr, to: Ptr): number | undefined {
    const { bios, objects } = this;
    const { type } = bios;
    const sector = objects.provider.get(to, 'sectorsize');
    const media = objects.provider.get(to, 'mediasize');
    if (sector === 0 || media === 0) return ENXIO;
    const [offset, length] = [type.get(bio, 'bio_offset'), type.get(bio, 'bio_length')];
    if (offset % sector !== 0 || length % sector !== 0) return EINVAL;
    if (offset < 0 || offset > media) return EIO;
    const kept = Math.min(length, media - offset);
    type.set(bio, 'bio_length', kept);
    if (kept === 0) return 0;
    if (bios.has(bio, 'BIO_UNMAPPED') && !objects.has(to, 'G_PF_ACCEPT_UNMAPPED'))
      throw new Panic('a mapping for an unmapped bio is not implemented', 'unimplemented-export');
    return undefined;
  }

  *deliver(bio: Ptr, error: number): Sleepable<void> {
    const { k, bios, objects } = this;
    const { type } = bios;
    const [from, to] = [type.get(bio, 'bio_from'), type.get(bio, 'bio_to')];
    this.demand(to !== 0, () => 'NULL bio_to in g_io_deliver');
    if (from === 0) {
      type.set(bio, 'bio_error', error);
      yield* type.call(bio, 'bio_done', bio);
      return;
    }
    const [length, completed] = [type.get(bio, 'bio_length'), type.get(bio, 'bio_completed')];
    this.demand(completed >= 0, () => "bio_completed can't be less than 0");
    this.demand(completed <= length, () => "bio_completed can't be greater than bio_length");
    this.demandNotQueued(bio);
    type.set(bio, 'bio_bcount', length);
    type.set(bio, 'bio_resid', length - completed);
    k.get(Devstat).endBio(objects.provider.get(to, 'stat'), bio);
    objects.consumer.set(from, 'nend', objects.consumer.get(from, 'nend') + 1);
    if (error === ENOMEM) {
      yield* this.again(bio, from, to);
      return;
    }
    type.set(bio, 'bio_error', error);
    const direct =
      objects.has(to, 'G_PF_DIRECT_SEND') && objects.has(from, 'G_CF_DIRECT_RECEIVE') && !this.isGeomThread;
    if (direct) yield* bios.done(bio);
    else this.enqueue(bio, this.up);
  }

  /** There was no memory: the request begins again. */
  private *again(bio: Ptr, from: Ptr, to: Ptr): Sleepable<void> {
    const { k } = this;
    const { type } = this.bios;
    if (k.space.load32(k.variable('bootverbose')) !== 0) {
      const address = (at: Ptr): string => `0x${k.space.toAddress(at).toString(16)}`;
      const name = this.objects.provider.string(to, 'name');
      k.get(SubrPrf).line(`ENOMEM ${address(bio)} on ${address(to)}(${name})`);
    }
    for (const member of ['bio_children', 'bio_inbed', 'bio_driver1', 'bio_driver2', 'bio_pflags'])
      type.set(bio, member, 0);
    yield* this.request(bio, from);
    this.pace = true;
  }

  private *stdDone(bio: Ptr): Sleepable<void> {
    const { bios } = this;
    const { type } = bios;
    const parent = type.get(bio, 'bio_parent');
    if (type.get(parent, 'bio_error') === 0) type.set(parent, 'bio_error', type.get(bio, 'bio_error'));
    type.set(parent, 'bio_completed', type.get(parent, 'bio_completed') + type.get(bio, 'bio_completed'));
    yield* bios.destroy(bio);
    const inbed = type.get(parent, 'bio_inbed') + 1;
    type.set(parent, 'bio_inbed', inbed);
    if (type.get(parent, 'bio_children') !== inbed) return;
    if (type.get(parent, 'bio_cmd') === this.k.macro('BIO_SPEEDUP'))
      type.set(parent, 'bio_completed', type.get(parent, 'bio_length'));
    yield* this.deliver(parent, type.get(parent, 'bio_error'));
  }

  /** A request that somebody waits for. */
  *perform(
    consumer: Ptr,
    members: Readonly<Record<string, number>>,
    message: string,
  ): Sleepable<{ readonly error: number; readonly completed: number }> {
    const { bios } = this;
    const bio = yield* bios.make(true);
    for (const [member, value] of Object.entries(members)) bios.type.set(bio, member, value);
    yield* this.request(bio, consumer);
    const error = yield* bios.wait(bio, message);
    const completed = bios.type.get(bio, 'bio_completed');
    yield* bios.destroy(bio);
    return { error, completed };
  }

  private demandLength(consumer: Ptr, length: number, by: string, isLimited = true): void {
    const { k, objects } = this;
    const sector = objects.provider.get(objects.consumer.get(consumer, 'provider'), 'sectorsize');
    const most = isLimited ? k.space.loadU64(k.variable('maxphys')) : Number.POSITIVE_INFINITY;
    this.demand(length > 0 && length >= sector && length <= most, () => `${by}(): invalid length ${length}`);
  }

  /** g_read_data(): memory of type GEOM with what was read, or 0. */
  *readData(consumer: Ptr, offset: number, length: number, place: Ptr): Sleepable<Ptr> {
    const { k } = this;
    this.demandLength(consumer, length, 'g_read_data');
    const data = k.get(Malloc).malloc(length, k.variable('M_GEOM'), k.macro('M_WAITOK'));
    const request = { bio_cmd: k.macro('BIO_READ'), bio_offset: offset, bio_length: length, bio_data: data };
    const { error } = yield* this.perform(consumer, request, 'gread');
    if (place !== 0) k.space.store32(place, error);
    if (error === 0) return data;
    k.get(Malloc).free(data, k.variable('M_GEOM'));
    return 0;
  }

  *writeData(consumer: Ptr, offset: number, data: Ptr, length: number): Sleepable<number> {
    this.demandLength(consumer, length, 'g_write_data');
    const request = {
      bio_cmd: this.k.macro('BIO_WRITE'),
      bio_offset: offset,
      bio_length: length,
      bio_data: data,
    };
    return (yield* this.perform(consumer, request, 'gwrite')).error;
  }

  *deleteData(consumer: Ptr, offset: number, length: number): Sleepable<number> {
    this.demandLength(consumer, length, 'g_delete_data', false);
    const request = { bio_cmd: this.k.macro('BIO_DELETE'), bio_offset: offset, bio_length: length };
    return (yield* this.perform(consumer, request, 'gdelete')).error;
  }

  private *useRead(consumer: Ptr, offset: number, place: Ptr, bytes: number): Sleepable<number> {
    const { objects, k } = this;
    const sector = objects.provider.get(objects.consumer.get(consumer, 'provider'), 'sectorsize');
    if (offset % sector !== 0) return ENOENT;
    const data = yield* this.readData(consumer, offset, bytes, 0);
    k.space.storePtr(place, data);
    return data === 0 ? ENOENT : 0;
  }

  *flush(consumer: Ptr): Sleepable<number> {
    const { k, objects } = this;
    const provider = objects.consumer.get(consumer, 'provider');
    const request = {
      bio_cmd: k.macro('BIO_FLUSH'),
      bio_flags: k.macro('BIO_ORDERED'),
      bio_offset: objects.provider.get(provider, 'mediasize'),
    };
    return (yield* this.perform(consumer, request, 'gflush')).error;
  }
}
