import type { Ptr } from '../../cpu/layout.js';
import { hlist } from '../abi/hlist.js';
import { list } from '../abi/list.js';
import type { LinuxKernel } from '../kernel.js';
import { holdMemory, makeUserMemory } from './user-mm.js';

/** RLIM_INFINITY. */
const ALL = 0xffff_ffff_ffff_ffffn;
/** Limits that a first process has, soft and hard, by their numbers (include/asm-generic/resource.h); the others are endless. */
const LIMITS: ReadonlyMap<number, readonly [soft: bigint, hard: bigint]> = new Map([
  [3, [8n << 20n, ALL]],
  [4, [0n, ALL]],
  [7, [1024n, 4096n]],
  [8, [8n << 20n, 8n << 20n]],
  [12, [819_200n, 819_200n]],
  [13, [0n, 0n]],
  [14, [0n, 0n]],
]);
/** RLIMIT_NPROC and RLIMIT_SIGPENDING: half of the threads that there may be. */
const BY_THREADS = [6, 11];

/** SIG_IGN: kernel threads ignore signals until they allow one. */
const IGNORE = 1;
/** What a struct pid may stand for: enumerators of enum pid_type. */
const GROUPS = ['PIDTYPE_TGID', 'PIDTYPE_PGID', 'PIDTYPE_SID'] as const;
const KINDS = ['PIDTYPE_PID', ...GROUPS] as const;

/** What a task has beside its task_struct: struct signal_struct, sighand_struct and pid, each its own (kernel/fork.c, kernel/pid.c). */
export class TaskParts {
  private readonly known = new Map<Ptr, { readonly signal: Ptr; readonly sighand: Ptr; readonly pid: Ptr }>();

  /** The struct mm_struct of the user process, once there is one. */
  private memory: Ptr | undefined;
  private readonly users = new Set<Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  /** Gives a task the parts of a new one. Those that its task_struct had before are used again. */
  attach(object: Ptr, pid: number, kernelThread: boolean, mostThreads: number): void {
    const parts = this.known.get(object) ?? this.make();
    this.known.set(object, parts);
    this.fillSignal(parts.signal, object, mostThreads);
    this.fillHandlers(parts.sighand, kernelThread);
    this.fillPid(parts.pid, object, pid);
    // A process of its own: its group, and its session, are called as it is.
    const pids = this.k.struct('signal_struct').addr(parts.signal, 'pids');
    for (const kind of GROUPS) this.k.space.storePtr(pids + 8 * this.k.enumValue(kind), parts.pid);
    const task = this.k.struct('task_struct');
    task.set(object, 'signal', parts.signal);
    task.set(object, 'sighand', parts.sighand);
    task.set(object, 'thread_pid', parts.pid);
    if (!kernelThread) this.giveMemory(object);
    list.init(this.k.space, task.addr(object, 'pending.list'));
    this.clear(task.addr(object, 'pending.signal'), task.member('pending.signal').size);
  }

  /** Takes what a task that has ended had of the user process. */
  release(object: Ptr): void {
    if (this.memory === undefined || !this.users.delete(object)) return;
    this.k.struct('task_struct').set(object, 'mm', 0);
    holdMemory(this.k, this.memory, -1);
  }

  private giveMemory(object: Ptr): void {
    const task = this.k.struct('task_struct');
    this.memory ??= makeUserMemory(this.k);
    task.set(object, 'mm', this.memory);
    task.set(object, 'active_mm', this.memory);
    holdMemory(this.k, this.memory, 1);
    this.users.add(object);
  }

  private make() {
    const { k } = this;
    const pid = k.sizeOf('pid') + k.sizeOf('upid');
    return {
      signal: k.permanent(k.sizeOf('signal_struct')),
      sighand: k.permanent(k.sizeOf('sighand_struct')),
      pid: k.permanent(pid),
    };
  }

  private fillSignal(at: Ptr, object: Ptr, mostThreads: number): void {
    const { k } = this;
    const type = k.struct('signal_struct');
    this.clear(at, type.size);
    for (const count of ['sigcnt.refs.counter', 'live.counter', 'nr_threads']) type.set(at, count, 1);
    list.init(k.space, type.addr(at, 'thread_head'));
    list.init(k.space, type.addr(at, 'wait_chldexit.head'));
    list.init(k.space, type.addr(at, 'shared_pending.list'));
    list.init(k.space, type.addr(at, 'posix_timers'));
    const task = k.struct('task_struct');
    list.addTail(k.space, task.addr(object, 'thread_node'), type.addr(at, 'thread_head'));
    const limit = k.struct('rlimit');
    const half = BigInt(Math.floor(mostThreads / 2));
    for (let i = 0; i < type.member('rlim').size / limit.size; i++) {
      const [soft, hard] = BY_THREADS.includes(i) ? [half, half] : (LIMITS.get(i) ?? [ALL, ALL]);
      const slot = type.addr(at, 'rlim') + i * limit.size;
      limit.setBig(slot, 'rlim_cur', soft);
      limit.setBig(slot, 'rlim_max', hard);
    }
  }

  private fillHandlers(at: Ptr, kernelThread: boolean): void {
    const { k } = this;
    const type = k.struct('sighand_struct');
    this.clear(at, type.size);
    type.set(at, 'count.refs.counter', 1);
    list.init(k.space, type.addr(at, 'signalfd_wqh.head'));
    if (!kernelThread) return;
    const handlers = k.space.writable(type.addr(at, 'action'), type.member('action').size);
    this.ignored ??= this.ignoreAll(type.addr(at, 'action'), handlers);
    handlers.set(this.ignored);
  }

  /** What ignores every signal, as it is in memory. */
  private ignored: Uint8Array | undefined;

  private ignoreAll(first: Ptr, handlers: Uint8Array): Uint8Array {
    const { k } = this;
    const action = k.struct('k_sigaction');
    for (let at = 0; at < handlers.length; at += action.size) action.set(first + at, 'sa.sa_handler', IGNORE);
    return handlers.slice();
  }

  private fillPid(at: Ptr, object: Ptr, number: number): void {
    const { k } = this;
    const type = k.struct('pid');
    this.clear(at, type.size);
    type.set(at, 'count.refs.counter', 1);
    // The number is one of the first namespace.
    type.set(at, 'level', 0);
    list.init(k.space, type.addr(at, 'wait_pidfd.head'));
    const upid = k.struct('upid');
    upid.set(at + type.size, 'nr', number);
    if (k.hasSymbol('init_pid_ns')) upid.set(at + type.size, 'ns', k.symbol('init_pid_ns'));
    const task = k.struct('task_struct');
    for (const kind of KINDS) {
      const index = k.enumValue(kind);
      const link = task.addr(object, 'pid_links') + index * k.sizeOf('hlist_node');
      hlist.addHead(k.space, link, type.addr(at, 'tasks') + index * k.sizeOf('hlist_head'));
    }
  }

  private clear(at: Ptr, bytes: number): void {
    this.k.space.writable(at, bytes).fill(0);
  }
}
