import type { Ptr } from '../../cpu/layout.js';
import { EPERM } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Mutexes } from './mutex.js';
import { Panic } from './panic.js';
import { SxLocks } from './sx.js';
import { Tailq } from './tailq.js';

/** Bytes of one gid_t. */
const GID_BYTES = 4;

/** Credentials and what they allow (sys/kern/kern_prot.c, kern_priv.c): everybody here is root, in prison0. */
export class Credentials implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    crget: () => this.create(),
    crhold: (cred: Ptr) => this.hold(cred),
    crfree: (cred: Ptr) => this.free(cred),
    crdup: (cred: Ptr) => {
      const fresh = this.create();
      this.copy(fresh, cred);
      return fresh;
    },
    crcopy: (to: Ptr, from: Ptr) => this.copy(to, from),
    crcopysafe: (proc: Ptr, to: Ptr) => {
      const old = this.k.struct('proc').get(proc, 'p_ucred');
      this.copy(to, old);
      return old;
    },
    crextend: (cred: Ptr, groups: number) => this.extend(cred, groups),
    crsetgroups: (cred: Ptr, count: number, groups: Ptr) => this.setGroups(cred, count, groups),
    cru2x: (cred: Ptr, to: Ptr) => this.export(cred, to),
    groupmember: (gid: number, cred: Ptr) => this.isMember(gid, cred),
    priv_check: (thread: Ptr) => this.check(this.k.struct('thread').get(thread, 'td_ucred')),
    priv_check_cred: (cred: Ptr) => this.check(cred),
    priv_check_cred_vfs_generation: (cred: Ptr) => this.check(cred),
    securelevel_gt: (_cred: Ptr, level: number) => (this.securelevel > level ? EPERM : 0),
    securelevel_ge: (_cred: Ptr, level: number) => (this.securelevel >= level ? EPERM : 0),
  };

  readonly data = {
    prison0: (at: Ptr) => this.fillPrison(at),
    /** The jails (sys/kern/kern_jail.c): none is made here, and prison0 is not one of them. */
    allprison: (at: Ptr) => new Tailq(this.k, at, 0).init(),
    allprison_lock: (at: Ptr) => this.k.get(SxLocks).init(at, this.k.constantString('allprison'), 0),
  };

  /** prison0's, as kern.securelevel shows it. */
  get securelevel(): number {
    return this.k.struct('prison').get(this.prison0, 'pr_securelevel');
  }

  get prison0(): Ptr {
    return this.k.variable('prison0');
  }

  /** Those that processes begin with: root's. */
  private root: Ptr = 0;

  /** Fills prison0, and gives proc0 and all that come credentials. */
  boot(): void {
    const { k } = this;
    this.root = this.create();
    k.struct('ucred').set(this.root, 'cr_prison', this.prison0);
    this.setGroups(this.root, 1, 0);
    k.processes.forThreads((thread, proc) => {
      k.struct('proc').set(proc, 'p_ucred', this.root);
      k.struct('thread').set(thread, 'td_ucred', this.root);
      k.struct('thread').set(thread, 'td_realucred', this.root);
    });
  }

  private fillPrison(at: Ptr): void {
    const { k } = this;
    const type = k.struct('prison');
    type.set(at, 'pr_ref', 1);
    type.set(at, 'pr_uref', 1);
    type.setText(at, 'pr_name', '0');
    type.setText(at, 'pr_path', '/');
    type.set(at, 'pr_securelevel', -1);
    type.set(at, 'pr_childmax', k.macro('JAIL_MAX'));
    type.set(at, 'pr_flags', k.macro('PR_HOST') | k.macro('PR_VNET'));
    type.set(at, 'pr_allow', k.macro('PR_ALLOW_ALL_STATIC'));
    type.setText(at, 'pr_hostuuid', '00000000-0000-0000-0000-000000000000');
    type.set(at, 'pr_osreldate', k.target.osreldate);
    type.setText(at, 'pr_osrelease', k.target.release);
    k.get(Mutexes).init(type.addr(at, 'pr_mtx'), k.constantString('jail mutex'), k.macro('MTX_DEF'));
  }

  /** crget(): with one reference, of nobody yet. */
  create(): Ptr {
    const { k } = this;
    const type = k.struct('ucred');
    const cred = k.slab.allocateBytes(type.size, true);
    k.get(Mutexes).init(type.addr(cred, 'cr_mtx'), k.constantString('cred'), k.macro('MTX_DEF'));
    type.set(cred, 'cr_ref', 1);
    type.set(cred, 'cr_groups', type.addr(cred, 'cr_smallgroups'));
    type.set(cred, 'cr_agroups', k.macro('XU_NGROUPS'));
    return cred;
  }

  hold(cred: Ptr): Ptr {
    const type = this.k.struct('ucred');
    type.set(cred, 'cr_ref', type.get(cred, 'cr_ref') + 1);
    return cred;
  }

  free(cred: Ptr): void {
    const { k } = this;
    const type = k.struct('ucred');
    const refs = type.get(cred, 'cr_ref') - 1;
    if (refs < 0 || (refs === 0 && cred === this.root))
      throw new Panic(`bad ref count on cred 0x${k.space.toAddress(cred).toString(16)}`, 'bad-free', cred);
    type.set(cred, 'cr_ref', refs);
    if (refs > 0) return;
    const groups = type.get(cred, 'cr_groups');
    if (groups !== type.addr(cred, 'cr_smallgroups')) k.slab.free(groups);
    k.get(Mutexes).destroy(type.addr(cred, 'cr_mtx'));
    k.slab.free(cred);
  }

  private copy(to: Ptr, from: Ptr): void {
    const type = this.k.struct('ucred');
    const [start, end] = [type.offsetOf('cr_uid'), type.offsetOf('cr_label')];
    this.k.space.writable(to + start, end - start).set(this.k.space.readable(from + start, end - start));
    this.setGroups(to, type.get(from, 'cr_ngroups'), type.get(from, 'cr_groups'));
  }

  private extend(cred: Ptr, groups: number): void {
    const type = this.k.struct('ucred');
    if (groups <= type.get(cred, 'cr_agroups')) return;
    const room = this.k.slab.allocateBytes(groups * GID_BYTES, true);
    const old = type.get(cred, 'cr_groups');
    if (old !== type.addr(cred, 'cr_smallgroups')) this.k.slab.free(old);
    type.set(cred, 'cr_groups', room);
    type.set(cred, 'cr_agroups', groups);
  }

  /** The first is the effective group, the others are in order. 0 for groups: wheel alone. */
  private setGroups(cred: Ptr, count: number, groups: Ptr): void {
    const { space } = this.k;
    this.extend(cred, count);
    const type = this.k.struct('ucred');
    const gids = Array.from({ length: count }, (_, i) =>
      groups === 0 ? 0 : space.load32(groups + i * GID_BYTES),
    );
    const sorted = [...gids.slice(0, 1), ...gids.slice(1).sort((a, b) => a - b)];
    type.set(cred, 'cr_ngroups', count);
    const to = type.get(cred, 'cr_groups');
    for (const [i, gid] of sorted.entries()) space.store32(to + i * GID_BYTES, gid);
  }

  private groupsOf(cred: Ptr): number[] {
    const type = this.k.struct('ucred');
    const at = type.get(cred, 'cr_groups');
    return Array.from({ length: type.get(cred, 'cr_ngroups') }, (_, i) =>
      this.k.space.load32(at + i * GID_BYTES),
    );
  }

  private isMember(gid: number, cred: Ptr): boolean {
    return this.groupsOf(cred).includes(gid >>> 0);
  }

  /** priv_check_cred(): root may do everything, others nothing that needs a privilege. */
  private check(cred: Ptr): number {
    return this.k.struct('ucred').get(cred, 'cr_uid') === 0 ? 0 : EPERM;
  }

  /** cru2x(): credentials as processes are told of them. */
  export(cred: Ptr, to: Ptr): void {
    const { k } = this;
    const type = k.struct('xucred');
    const groups = this.groupsOf(cred).slice(0, k.macro('XU_NGROUPS'));
    k.space.writable(to, type.size).fill(0);
    type.set(to, 'cr_version', k.macro('XUCRED_VERSION'));
    type.set(to, 'cr_uid', k.struct('ucred').get(cred, 'cr_uid'));
    type.set(to, 'cr_ngroups', groups.length);
    for (const [i, gid] of groups.entries()) k.space.store32(type.addr(to, 'cr_groups') + i * GID_BYTES, gid);
  }
}
