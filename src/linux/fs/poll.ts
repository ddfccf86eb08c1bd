import type { Ptr } from '../../cpu/layout.js';
import { block, type Sleepable } from '../../kernel/effects.js';
import { withLocals } from '../../kernel/task/locals.js';
import type { Task } from '../../kernel/task/task.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { DEFAULT_POLL_MASK } from './guest-server.js';
import type { OpenFile } from './open-file.js';

/** Reported whether asked for or not (poll(2)). */
const POLLERR = 0x8;
const POLLHUP = 0x10;

interface Waiter {
  readonly task: Task;
  /** wait_queue_entry structs that were added to wait queues. */
  readonly entries: Ptr[];
  triggered: boolean;
}

/**
 * Waiting for files to become ready (fs/select.c): drivers call poll_wait(), which is inlined and calls the
 * table's _qproc; that puts an entry on the driver's wait queue.
 */
export class FilePolling implements Subsystem {
  private readonly waiters = new Map<Ptr, Waiter>();
  private readonly byEntry = new Map<Ptr, Waiter>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {};

  *wait(open: OpenFile, events: number, timeout: number): Sleepable<number> {
    const wanted = (events | POLLERR | POLLHUP) >>> 0;
    if (timeout === 0) return yield* this.ask(open, wanted, 0);
    const { k } = this;
    const type = k.struct('poll_table_struct');
    const self = this;
    return yield* withLocals(k, type.size, function* (table) {
      const waiter: Waiter = { task: k.executor.current!, entries: [], triggered: false };
      self.waiters.set(table, waiter);
      type.bind(table, '_qproc', '__pollwait', (_file: Ptr, queue: Ptr, at: Ptr) => self.join(queue, at));
      type.set(table, '_key', wanted);
      const ready = yield* self.untilReady(open, wanted, table, waiter, timeout);
      self.forget(table, waiter);
      return ready;
    });
  }

  private *ask(open: OpenFile, wanted: number, table: Ptr): Sleepable<number> {
    const mask = open.server.poll ? yield* this.k.wait(open.server.poll(open, table)) : DEFAULT_POLL_MASK;
    return (mask & wanted) >>> 0;
  }

  private *untilReady(
    open: OpenFile,
    wanted: number,
    table: Ptr,
    waiter: Waiter,
    timeout: number,
  ): Sleepable<number> {
    const { clock, scheduler } = this.k;
    const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : clock.now + timeout;
    const alarm = timeout < 0 ? undefined : clock.arm(deadline, () => scheduler.wake(waiter.task));
    for (;;) {
      waiter.triggered = false;
      const ready = yield* this.ask(open, wanted, table);
      if (ready !== 0 || clock.now >= deadline) {
        if (alarm) clock.cancel(alarm);
        return ready;
      }
      // The queues are joined on the first round only.
      this.k.struct('poll_table_struct').set(table, '_qproc', 0);
      if (!waiter.triggered) yield* block();
    }
  }

  private join(queue: Ptr, table: Ptr): void {
    const { k } = this;
    const waiter = this.waiters.get(table);
    if (!waiter) return;
    const type = k.struct('wait_queue_entry');
    const entry = k.slab.allocateBytes(type.size, true);
    type.bind(entry, 'func', 'pollwake', (at: Ptr) => this.woken(at));
    type.set(entry, 'private', waiter.task.object);
    list.add(k.space, type.addr(entry, 'entry'), k.struct('wait_queue_head').addr(queue, 'head'));
    waiter.entries.push(entry);
    this.byEntry.set(entry, waiter);
  }

  /** pollwake(): how many tasks it woke. */
  private woken(entry: Ptr): number {
    const waiter = this.byEntry.get(entry);
    if (!waiter) return 0;
    waiter.triggered = true;
    this.k.scheduler.wake(waiter.task);
    return 1;
  }

  private forget(table: Ptr, waiter: Waiter): void {
    const type = this.k.struct('wait_queue_entry');
    for (const entry of waiter.entries) {
      list.delInit(this.k.space, type.addr(entry, 'entry'));
      this.byEntry.delete(entry);
      this.k.slab.free(entry);
    }
    this.waiters.delete(table);
  }
}
