import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** RLIM_INFINITY (sys/sys/resource.h): 2^63 - 1. */
const NO_LIMIT = 0x7fff_ffff_ffff_ffffn;

/** Limits of processes, and what users have (sys/kern/kern_resource.c): nobody is limited. */
export class Resources implements Subsystem {
  private limits: Ptr = 0;
  private readonly users = new Map<number, Ptr>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    lim_hold: (limits: Ptr) => this.count(limits, 1),
    lim_free: (limits: Ptr) => void this.count(limits, -1),
    lim_cur: () => NO_LIMIT,
    lim_max: () => NO_LIMIT,
    lim_cur_proc: () => NO_LIMIT,
    lim_max_proc: () => NO_LIMIT,
    racct_get_limit: () => NO_LIMIT,
    racct_get_available: () => NO_LIMIT,
    calcru: partly('no process has used any time', (_proc: Ptr, user: Ptr, system: Ptr) => {
      for (const at of [user, system]) this.k.space.writable(at, this.k.sizeOf('timeval')).fill(0);
    }),
    uifind: (uid: number) => this.user(uid),
    uihold: (user: Ptr) => this.hold(user, 1),
    uifree: (user: Ptr) => this.hold(user, -1),
    chgproccnt: (user: Ptr, change: number) => {
      const type = this.k.struct('uidinfo');
      type.set(user, 'ui_proccnt', type.get(user, 'ui_proccnt') + change);
      return 1;
    },
    change_euid: (cred: Ptr, user: Ptr) => this.change(cred, user, 'cr_uid', 'cr_uidinfo'),
    change_ruid: (cred: Ptr, user: Ptr) => this.change(cred, user, 'cr_ruid', 'cr_ruidinfo'),
    change_svuid: (cred: Ptr, uid: number) => this.k.struct('ucred').set(cred, 'cr_svuid', uid),
  };

  readonly signatures = {
    lim_cur: 'Q:pi',
    lim_max: 'Q:pi',
    lim_cur_proc: 'Q:pi',
    lim_max_proc: 'Q:pi',
    racct_get_limit: 'Q:pi',
    racct_get_available: 'Q:pi',
  };

  boot(): void {
    const { k } = this;
    const { processes } = k;
    const type = k.struct('plimit');
    this.limits = k.permanent(type.size);
    const end = type.offsetOf('pl_refcnt');
    for (let at = type.offsetOf('pl_rlimit'); at + 8 <= end; at += 8)
      k.space.store64(this.limits + at, NO_LIMIT);
    type.set(this.limits, 'pl_refcnt', 1);
    processes.forThreads((thread, proc) => {
      k.struct('proc').set(proc, 'p_limit', this.limits);
      k.struct('thread').set(thread, 'td_limit', this.limits);
    });
  }

  private count(limits: Ptr, change: number): Ptr {
    const type = this.k.struct('plimit');
    type.set(limits, 'pl_refcnt', type.get(limits, 'pl_refcnt') + change);
    return limits;
  }

  private user(uid: number): Ptr {
    const type = this.k.struct('uidinfo');
    const known = this.users.get(uid) ?? this.k.permanent(type.size);
    this.users.set(uid, known);
    type.set(known, 'ui_uid', uid);
    this.hold(known, 1);
    return known;
  }

  private hold(user: Ptr, change: number): void {
    const type = this.k.struct('uidinfo');
    type.set(user, 'ui_ref', type.get(user, 'ui_ref') + change);
  }

  private change(cred: Ptr, user: Ptr, uid: string, info: string): void {
    const type = this.k.struct('ucred');
    type.set(cred, uid, this.k.struct('uidinfo').get(user, 'ui_uid'));
    this.hold(user, 1);
    type.set(cred, info, user);
  }
}
