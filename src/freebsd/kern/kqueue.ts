import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mutexes } from './mutex.js';
import { SleepQueues } from './sleepqueue.js';

/** kqueue(9) (sys/kern/kern_event.c) and selrecord(9) (sys_generic.c): lists of who wants to know of events. */
export class KernelEvents implements Subsystem {
  /** Threads that poll, by the struct selinfo that they wait at. */
  private readonly selecting = new Map<Ptr, Set<Task>>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    knlist_init: (list: Ptr, lock: Ptr, lockFn: Ptr, unlockFn: Ptr, assertFn: Ptr) =>
      this.init(list, lock, lockFn, unlockFn, assertFn),
    knlist_init_mtx: (list: Ptr, mtx: Ptr) => this.initMutex(list, mtx),
    knlist_alloc: (mtx: Ptr) => {
      const list = this.k.slab.allocateBytes(this.k.sizeOf('knlist'), true);
      this.initMutex(list, mtx);
      return list;
    },
    knlist_destroy: () => {},
    knlist_detach: (list: Ptr) => this.k.slab.free(list),
    knlist_empty: (list: Ptr) => Number(this.k.struct('knlist').get(list, 'kl_list.slh_first') === 0),
    knlist_add: (list: Ptr, note: Ptr) => this.add(list, note),
    knlist_remove: (list: Ptr, note: Ptr) => this.remove(list, note),
    knlist_cleardel: (list: Ptr) => this.k.struct('knlist').set(list, 'kl_list.slh_first', 0),
    knote: partly('nobody waits at a kqueue', (list: Ptr, hint: bigint, flags: number) =>
      this.note(list, hint, flags),
    ),
    kqueue_add_filteropts: () => 0,
    kqueue_del_filteropts: () => 0,
    selrecord: (thread: Ptr, selinfo: Ptr) => this.record(thread, selinfo),
    selwakeup: (selinfo: Ptr) => this.wake(selinfo),
    selwakeuppri: (selinfo: Ptr) => this.wake(selinfo),
    seldrain: (selinfo: Ptr) => this.wake(selinfo),
  };

  readonly signatures = { knote: 'v:pqi', kqueue_add_filteropts: 'i:ip', kqueue_del_filteropts: 'i:i' };

  private init(list: Ptr, lock: Ptr, lockFn: Ptr, unlockFn: Ptr, assertFn: Ptr): void {
    const { k } = this;
    const type = k.struct('knlist');
    const own = (name: string, fn: (mtx: Ptr) => unknown): Ptr => k.exports.hostFunction(name, 'v:p', fn);
    type.set(list, 'kl_list.slh_first', 0);
    type.set(list, 'kl_lock', lockFn || own('knlist_mtx_lock', (mtx) => k.get(Mutexes).lock(mtx)));
    type.set(list, 'kl_unlock', unlockFn || own('knlist_mtx_unlock', (mtx) => k.get(Mutexes).unlock(mtx)));
    type.set(list, 'kl_assert_lock', assertFn || own('knlist_mtx_assert_lock', () => {}));
    type.set(list, 'kl_lockarg', lock || k.variable('Giant'));
    type.set(list, 'kl_autodestroy', 0);
  }

  private initMutex(list: Ptr, mtx: Ptr): void {
    this.init(list, mtx, 0, 0, 0);
  }

  private add(list: Ptr, note: Ptr): void {
    const lists = this.k.struct('knlist');
    const notes = this.k.struct('knote');
    notes.set(note, 'kn_selnext', lists.get(list, 'kl_list.slh_first'));
    lists.set(list, 'kl_list.slh_first', note);
    notes.set(note, 'kn_knlist', list);
  }

  private remove(list: Ptr, note: Ptr): void {
    const lists = this.k.struct('knlist');
    const notes = this.k.struct('knote');
    let place = lists.addr(list, 'kl_list.slh_first');
    for (let at = this.k.space.loadPtr(place); at !== 0; at = this.k.space.loadPtr(place)) {
      if (at === note) {
        this.k.space.storePtr(place, notes.get(at, 'kn_selnext'));
        break;
      }
      place = notes.addr(at, 'kn_selnext');
    }
    notes.set(note, 'kn_knlist', 0);
  }

  /** Asks the filter of every note whether the event is one for it. */
  private *note(list: Ptr, hint: bigint, flags: number): Sleepable<void> {
    const { k } = this;
    const lists = k.struct('knlist');
    const notes = k.struct('knote');
    if (lists.get(list, 'kl_list.slh_first') === 0) return;
    const locked = (flags & k.macro('KNF_LISTLOCKED')) !== 0;
    if (!locked) yield* lists.call(list, 'kl_lock', lists.get(list, 'kl_lockarg'));
    for (let at = lists.get(list, 'kl_list.slh_first'); at !== 0; at = notes.get(at, 'kn_selnext')) {
      const filter = notes.get(at, 'kn_fop');
      const active = yield* k.struct('filterops').call(filter, 'f_event', at, hint);
      if (active !== 0) notes.set(at, 'kn_status', notes.get(at, 'kn_status') | k.macro('KN_ACTIVE'));
    }
    if (!locked) yield* lists.call(list, 'kl_unlock', lists.get(list, 'kl_lockarg'));
  }

  private record(thread: Ptr, selinfo: Ptr): void {
    const task = this.k.processes.taskOf(thread);
    if (!task) return;
    const known = this.selecting.get(selinfo) ?? new Set();
    known.add(task);
    this.selecting.set(selinfo, known);
  }

  wake(selinfo: Ptr): void {
    const tasks = this.selecting.get(selinfo);
    this.selecting.delete(selinfo);
    for (const task of tasks ?? []) {
      this.pending.add(task);
      this.k.get(SleepQueues).wakeAll(task.object);
    }
  }

  /** Threads for which something has happened since they began to ask: SELTD_PENDING. */
  private readonly pending = new Set<Task>();

  /** poll(2): asks again after every wake-up until something is ready (that is not 0), the time is over (0), or a signal came. */
  *select(ask: () => Sleepable<number>, until?: number): Sleepable<number | 'signal'> {
    const task = this.k.executor.current!;
    try {
      for (;;) {
        this.pending.delete(task);
        const ready = yield* ask();
        if (ready !== 0) return ready;
        if (this.pending.has(task)) continue;
        if (until !== undefined && this.k.now() >= until) return 0;
        const how = { message: 'select', until, interruptible: true };
        if ((yield* this.k.get(SleepQueues).sleep(task.object, how)) === 'signal') return 'signal';
      }
    } finally {
      this.forget(task);
    }
  }

  private forget(task: Task): void {
    this.pending.delete(task);
    for (const [selinfo, tasks] of this.selecting)
      if (tasks.delete(task) && tasks.size === 0) this.selecting.delete(selinfo);
  }
}
