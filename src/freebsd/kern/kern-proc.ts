import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import { ENOENT, EPERM, ESRCH } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mutexes } from './mutex.js';
import type { Process, ProcessWatcher } from './processes.js';
import { LinkedList } from './queue.js';
import { Sbufs } from './sbuf.js';
import { SxLocks } from './sx.js';
import { Tailq } from './tailq.js';

/** Names of a process's mutexes (proc_init(), sys/kern/kern_proc.c); those that are spin mutexes. */
const MUTEXES: Readonly<Record<string, string>> = {
  p_mtx: 'process lock',
  p_slock: 'process slock',
  p_statmtx: 'pstatl',
  p_itimmtx: 'pitiml',
  p_profmtx: 'pprofl',
};
const SPINS: ReadonlySet<string> = new Set(['p_slock', 'p_statmtx', 'p_itimmtx', 'p_profmtx']);
/** VM_MAXUSER_ADDRESS and USRSTACK with four-level page tables (sys/amd64/include/vmparam.h). */
const MAXUSER = 0x7fff_ffff_f000n;

/** Who a process belongs to: struct pgrp and struct session. */
interface Group {
  readonly pgrp: Ptr;
  readonly session: Ptr;
}

/** Lists of processes, and who may look at them (sys/kern/kern_proc.c, kern_prot.c). */
export class ProcessLists implements Subsystem, ProcessWatcher {
  private readonly groups = new Map<Ptr, Group>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    pfind: (pid: number) => this.find(pid),
    pfind_any: (pid: number) => this.find(pid),
    // Nobody is a zombie: processes go at once.
    zpfind: () => 0,
    p_cansee: (thread: Ptr, proc: Ptr) => this.mayUse(thread, proc, 0),
    p_candebug: (thread: Ptr, proc: Ptr) => this.mayUse(thread, proc, EPERM),
    p_cansched: (thread: Ptr, proc: Ptr) => this.mayUse(thread, proc, EPERM),
    // Nothing is swapped out.
    faultin: () => {},
    _thread_lock: (thread: Ptr) =>
      this.k.get(Mutexes).lockSpin(this.k.struct('thread').get(thread, 'td_lock')),
    prison_name: (_own: Ptr, prison: Ptr) => this.k.struct('prison').addr(prison, 'pr_name'),
    proc_getargv: (_thread: Ptr, proc: Ptr, sbuf: Ptr) => this.arguments(proc, sbuf),
    proc_get_binpath: partly('no program is a file', (_proc: Ptr, name: Ptr) => {
      if (name !== 0) this.k.space.store8(name, 0);
      return ENOENT;
    }),
  };

  readonly data = {
    allproc: () => {},
    allproc_lock: (at: Ptr) => this.sx(at, 'allproc'),
    proctree_lock: (at: Ptr) => this.sx(at, 'proctree'),
  };

  private sx(at: Ptr, name: string): void {
    this.k.get(SxLocks).init(at, this.k.constantString(name), 0);
  }

  /** What processes of an ABI have: struct sysentvec. */
  private vector(name: string, flags: number): Ptr {
    const type = this.k.struct('sysentvec');
    const at = this.k.permanent(type.size);
    type.set(at, 'sv_name', this.k.constantString(name));
    type.set(at, 'sv_flags', this.k.macro('SV_ABI_FREEBSD') | flags);
    type.setBig(at, 'sv_maxuser', MAXUSER);
    type.setBig(at, 'sv_usrstack', MAXUSER);
    return at;
  }

  private ofKernel: Ptr = 0;
  private ofUsers: Ptr = 0;

  boot(): void {
    const { processes } = this.k;
    this.ofKernel = this.vector('null', 0);
    this.ofUsers = this.vector('FreeBSD ELF64', this.k.macro('SV_LP64'));
    for (const process of processes.list) this.made(process);
    this.threadMade(processes.kernel, this.k.curthread);
    for (const process of processes.list)
      for (const task of process.threads) this.threadMade(process, task.object);
    processes.watchers.push(this);
  }

  private get list(): LinkedList {
    return new LinkedList(this.k.space, this.k.struct('proc').offsetOf('p_list'));
  }

  private threads(proc: Ptr): Tailq {
    const { k } = this;
    return new Tailq(k, k.struct('proc').addr(proc, 'p_threads'), k.struct('thread').offsetOf('td_plist'));
  }

  made(process: Process): void {
    const { k } = this;
    const { proc, pid, ofKernel } = process;
    const type = k.struct('proc');
    for (const [member, name] of Object.entries(MUTEXES)) {
      const kind = k.macro(SPINS.has(member) ? 'MTX_SPIN' : 'MTX_DUPOK') | k.macro('MTX_NEW');
      k.get(Mutexes).init(type.addr(proc, member), k.constantString(name), kind);
    }
    this.threads(proc).init();
    type.set(proc, 'p_sysent', ofKernel ? this.ofKernel : this.ofUsers);
    type.set(proc, 'p_pptr', pid === 0 ? 0 : k.processes.kernel.proc);
    type.set(proc, 'p_reaper', k.processes.kernel.proc);
    type.set(proc, 'p_pgrp', this.groupOf(process).pgrp);
    type.set(proc, 'p_stats', this.statsOf(proc));
    type.set(proc, 'p_fd', this.descriptorsOf(proc));
    this.list.insertHead(k.variable('allproc'), proc);
  }

  private readonly descriptors = new Map<Ptr, Ptr>();

  /** struct filedesc, with a table that has no room: open files are TypeScript's, and modules find none there. */
  private descriptorsOf(proc: Ptr): Ptr {
    const { k } = this;
    const known = this.descriptors.get(proc);
    if (known !== undefined) return known;
    const type = k.struct('filedesc');
    const at = k.permanent(type.size);
    k.get(SxLocks).init(type.addr(at, 'fd_sx'), k.constantString('filedesc structure'), 0);
    type.set(at, 'fd_files', k.permanent(k.sizeOf('fdescenttbl')));
    type.set(at, 'fd_map', k.permanent(8));
    type.set(at, 'fd_refcnt', 1);
    type.set(at, 'fd_holdcnt', 1);
    this.descriptors.set(proc, at);
    return at;
  }

  private readonly stats = new Map<Ptr, Ptr>();

  /** When it began, since boot; it stays with the memory of the process. */
  private statsOf(proc: Ptr): Ptr {
    const { k } = this;
    const type = k.struct('pstats');
    const at = this.stats.get(proc) ?? k.permanent(type.size);
    this.stats.set(proc, at);
    const now = k.now();
    type.set(at, 'p_start.tv_sec', Math.floor(now / 1e9));
    type.set(at, 'p_start.tv_usec', Math.floor((now % 1e9) / 1e3));
    return at;
  }

  /** A user's process leads a session of its own; those of the kernel are in that of proc0. */
  private groupOf({ proc, pid, ofKernel }: Process): Group {
    const { k } = this;
    const leader = ofKernel ? k.processes.kernel.proc : proc;
    const known = this.groups.get(leader) ?? {
      pgrp: k.permanent(k.sizeOf('pgrp')),
      session: k.permanent(k.sizeOf('session')),
    };
    this.groups.set(leader, known);
    if (leader !== proc) return known;
    const [pgrp, session] = [k.struct('pgrp'), k.struct('session')];
    pgrp.set(known.pgrp, 'pg_id', pid);
    pgrp.set(known.pgrp, 'pg_session', known.session);
    session.set(known.session, 's_count', 1);
    session.set(known.session, 's_leader', proc);
    session.set(known.session, 's_sid', pid);
    return known;
  }

  /** What its threads are locked with: that of the run queue of the only processor. */
  private schedulerLock: Ptr = 0;

  private lockOfThreads(): Ptr {
    const { k } = this;
    if (this.schedulerLock !== 0) return this.schedulerLock;
    this.schedulerLock = k.permanent(k.sizeOf('mtx'));
    const flags = k.macro('MTX_SPIN') | k.macro('MTX_RECURSE') | k.macro('MTX_NEW');
    k.get(Mutexes).init(this.schedulerLock, k.constantString('sched lock 0'), flags);
    return this.schedulerLock;
  }

  threadMade({ proc }: Process, thread: Ptr): void {
    this.k.struct('thread').set(thread, 'td_lock', this.lockOfThreads());
    this.threads(proc).append(thread);
    this.countThreads(proc, 1);
  }

  threadGone({ proc }: Process, thread: Ptr): void {
    this.threads(proc).remove(thread);
    this.countThreads(proc, -1);
  }

  private countThreads(proc: Ptr, change: number): void {
    const type = this.k.struct('proc');
    type.set(proc, 'p_numthreads', type.get(proc, 'p_numthreads') + change);
  }

  gone({ proc }: Process): void {
    const { k } = this;
    const type = k.struct('proc');
    this.list.remove(proc);
    for (const member of Object.keys(MUTEXES)) k.get(Mutexes).destroy(type.addr(proc, member));
  }

  /** pfind(): the process with its lock held; 0 where there is none. */
  private *find(pid: number): Sleepable<Ptr> {
    const found = this.k.processes.byPid(pid);
    if (!found) return 0;
    yield* this.k.get(Mutexes).lock(this.k.struct('proc').addr(found.proc, 'p_mtx'));
    return found.proc;
  }

  /** The arguments of a program, each with its NUL: its name is all that there is. */
  private *arguments(proc: Ptr, sbuf: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('proc');
    if (type.get(proc, 'p_flag') & k.macro('P_SYSTEM')) return 0;
    const name = type.text(proc, 'p_comm');
    yield* k.get(Sbufs).put(sbuf, Uint8Array.from([...new TextEncoder().encode(name), 0]));
    return 0;
  }

  /** Whether a thread may see a process, or do something to it: there is one jail, and root may all (cr_cansee(), p_candebug()). */
  private mayUse(thread: Ptr, proc: Ptr, otherwise: number): number {
    const { k } = this;
    const type = k.struct('ucred');
    const [own, other] = [k.struct('thread').get(thread, 'td_ucred'), k.struct('proc').get(proc, 'p_ucred')];
    if (k.struct('thread').get(thread, 'td_proc') === proc || type.get(own, 'cr_uid') === 0) return 0;
    if (type.get(own, 'cr_prison') !== type.get(other, 'cr_prison')) return ESRCH;
    return type.get(own, 'cr_uid') === type.get(other, 'cr_ruid') ? 0 : otherwise;
  }
}
