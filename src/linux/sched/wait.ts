import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { list } from '../abi/list.js';
import { TASK_INTERRUPTIBLE, TASK_NORMAL, TASK_RUNNING } from '../abi/task-state.js';
import { ERESTARTSYS } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Delays } from '../time/delay.js';
import { Sched } from './core.js';

/** wait_queue_entry.flags */
const WQ_FLAG_EXCLUSIVE = 0x01;
const WQ_FLAG_WOKEN = 0x02;

/** Wait queues in guest memory: wait_event's inlined loop works on these lists (kernel/sched/wait.c). */
export class WaitQueues implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    __init_waitqueue_head: (head: Ptr) => this.init(head),
    add_wait_queue: (head: Ptr, entry: Ptr) => this.add(head, entry, false),
    add_wait_queue_exclusive: (head: Ptr, entry: Ptr) => this.add(head, entry, true),
    remove_wait_queue: (_head: Ptr, entry: Ptr) => list.del(this.k.space, this.entryLink(entry)),
    init_wait_entry: (entry: Ptr, flags: number) => this.initEntry(entry, flags),
    prepare_to_wait: (head: Ptr, entry: Ptr, state: number) => {
      this.prepare(head, entry, state, false);
    },
    prepare_to_wait_exclusive: (head: Ptr, entry: Ptr, state: number) =>
      this.prepare(head, entry, state, true),
    prepare_to_wait_event: (head: Ptr, entry: Ptr, state: number) => this.prepareEvent(head, entry, state),
    finish_wait: (_head: Ptr, entry: Ptr) => this.finish(entry),
    __wake_up: (head: Ptr, mode: number, count: number, key: Ptr) => this.wakeUp(head, mode, count, key),
    __wake_up_locked: (head: Ptr, mode: number, count: number) => this.wakeUp(head, mode, count, 0),
    __wake_up_locked_key: (head: Ptr, mode: number, key: Ptr) => this.wakeUp(head, mode, 1, key),
    __wake_up_sync_key: (head: Ptr, mode: number, key: Ptr) => this.wakeUp(head, mode, 1, key),
    __wake_up_sync: (head: Ptr, mode: number) => this.wakeUp(head, mode, 1, 0),
    default_wake_function: (entry: Ptr, mode: number) => this.defaultWake(entry, mode),
    autoremove_wake_function: (entry: Ptr, mode: number) => this.autoremoveWake(entry, mode),
    woken_wake_function: (entry: Ptr, mode: number) => this.wokenWake(entry, mode),
    wait_woken: (entry: Ptr, mode: number, timeout: number) => this.waitWoken(entry, mode, timeout),
  };

  init(head: Ptr): void {
    const type = this.k.struct('wait_queue_head');
    this.k.space.writable(head, type.size).fill(0);
    list.init(this.k.space, type.addr(head, 'head'));
  }

  /** Wakes waiters: all that are not exclusive, and `count` exclusive ones (0: all). */
  *wakeUp(head: Ptr, mode: number, count: number, key: Ptr): Sleepable<number> {
    const { space } = this.k;
    const type = this.k.struct('wait_queue_entry');
    let left = count;
    let woken = 0;
    for (const link of list.entries(space, this.k.struct('wait_queue_head').addr(head, 'head'))) {
      const entry = type.of(link, 'entry');
      const flags = type.get(entry, 'flags');
      const result = yield* this.callEntry(type.get(entry, 'func'), entry, mode, key);
      if (result < 0) break;
      if (result > 0) woken++;
      if (result > 0 && flags & WQ_FLAG_EXCLUSIVE && --left === 0) break;
    }
    return woken;
  }

  private *callEntry(fn: Ptr, entry: Ptr, mode: number, key: Ptr): Sleepable<number> {
    if (fn === this.k.fn('autoremove_wake_function')) return this.autoremoveWake(entry, mode);
    if (fn === this.k.fn('default_wake_function')) return this.defaultWake(entry, mode);
    return yield* this.k.struct('wait_queue_entry').call(entry, 'func', entry, mode, 0, key);
  }

  private entryLink(entry: Ptr): Ptr {
    return this.k.struct('wait_queue_entry').addr(entry, 'entry');
  }

  private add(head: Ptr, entry: Ptr, exclusive: boolean): void {
    const type = this.k.struct('wait_queue_entry');
    const flags = type.get(entry, 'flags');
    type.set(entry, 'flags', exclusive ? flags | WQ_FLAG_EXCLUSIVE : flags & ~WQ_FLAG_EXCLUSIVE);
    const queue = this.k.struct('wait_queue_head').addr(head, 'head');
    if (exclusive) list.addTail(this.k.space, this.entryLink(entry), queue);
    else list.add(this.k.space, this.entryLink(entry), queue);
  }

  private initEntry(entry: Ptr, flags: number): void {
    const type = this.k.struct('wait_queue_entry');
    type.set(entry, 'flags', flags);
    type.set(entry, 'private', this.k.current);
    type.set(entry, 'func', this.k.fn('autoremove_wake_function'));
    list.init(this.k.space, this.entryLink(entry));
  }

  private prepare(head: Ptr, entry: Ptr, state: number, exclusive: boolean): boolean {
    const queue = this.k.struct('wait_queue_head').addr(head, 'head');
    const wasEmpty = list.isEmpty(this.k.space, queue);
    if (list.isEmpty(this.k.space, this.entryLink(entry))) this.add(head, entry, exclusive);
    this.k.processes.setState(this.k.current, state);
    this.k.executor.current!.waitsFor = head;
    return wasEmpty;
  }

  /** -ERESTARTSYS for a sleep that a signal interrupts; the entry is taken off the queue then. */
  private prepareEvent(head: Ptr, entry: Ptr, state: number): number {
    if (state & TASK_INTERRUPTIBLE && this.k.processes.signalPending(this.k.current)) {
      list.delInit(this.k.space, this.entryLink(entry));
      return -ERESTARTSYS;
    }
    const exclusive = (this.k.struct('wait_queue_entry').get(entry, 'flags') & WQ_FLAG_EXCLUSIVE) !== 0;
    this.prepare(head, entry, state, exclusive);
    return 0;
  }

  private finish(entry: Ptr): void {
    this.k.processes.setState(this.k.current, TASK_RUNNING);
    this.k.executor.current!.waitsFor = 0;
    const link = this.entryLink(entry);
    if (!list.isEmpty(this.k.space, link)) list.delInit(this.k.space, link);
  }

  private defaultWake(entry: Ptr, mode: number): number {
    const task = this.k.struct('wait_queue_entry').get(entry, 'private');
    return this.k.get(Sched).wakeUp(task, mode || TASK_NORMAL);
  }

  autoremoveWake(entry: Ptr, mode: number): number {
    const result = this.defaultWake(entry, mode);
    if (result) list.delInit(this.k.space, this.entryLink(entry));
    return result;
  }

  private wokenWake(entry: Ptr, mode: number): number {
    const type = this.k.struct('wait_queue_entry');
    type.set(entry, 'flags', type.get(entry, 'flags') | WQ_FLAG_WOKEN);
    return this.defaultWake(entry, mode);
  }

  private *waitWoken(entry: Ptr, mode: number, timeout: number): Sleepable<number> {
    const type = this.k.struct('wait_queue_entry');
    let left = timeout;
    this.k.processes.setState(this.k.current, mode);
    if ((type.get(entry, 'flags') & WQ_FLAG_WOKEN) === 0)
      left = yield* this.k.get(Delays).scheduleTimeout(timeout);
    this.k.processes.setState(this.k.current, TASK_RUNNING);
    type.set(entry, 'flags', type.get(entry, 'flags') & ~WQ_FLAG_WOKEN);
    return left;
  }
}
