import type { Ptr } from '../cpu/layout.js';
import type { Task } from '../kernel/task/task.js';
import type { LinuxKernel } from './kernel.js';
import type { Subsystem } from './subsystem.js';

/** Capabilities that the base kernel asks for, by their numbers (include/uapi/linux/capability.h). */
const CAPABILITIES = { CAP_DAC_OVERRIDE: 1, CAP_SYS_MODULE: 16 } as const;
export type Capability = keyof typeof CAPABILITIES;

const USERS = ['uid', 'suid', 'euid', 'fsuid', 'gid', 'sgid', 'egid', 'fsgid'];
const CAPABILITY_SETS = ['cap_permitted', 'cap_effective'];

/** Who processes are: what the struct cred of each task says, which children inherit. */
export class TaskCredentials implements Subsystem {
  readonly exports = {};
  /** User that processes run as which nobody else's process starts. */
  uid = 0;
  /** Capabilities that even root does not have. */
  readonly dropped = new Set<Capability>();
  private readonly byUser = new Map<number, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  /** Whether the running task has a capability and it was not dropped for all. */
  capable(capability: Capability): boolean {
    return !this.dropped.has(capability) && this.has(this.current, CAPABILITIES[capability]);
  }

  /** Whether a struct cred has a capability, by number; NULL has all. */
  has(cred: Ptr, capability: number): boolean {
    if (cred === 0) return true;
    const word = this.k.space.load64(this.k.struct('cred').addr(cred, 'cap_effective'));
    return ((word >> BigInt(capability)) & 1n) !== 0n;
  }

  /** struct cred that the running task acts with; 0 where the kernel has none. */
  get current(): Ptr {
    return this.k.struct('task_struct').get(this.k.current, 'cred');
  }

  /** current_uid(). */
  get currentUid(): number {
    return this.current === 0 ? 0 : this.k.struct('cred').get(this.current, 'uid.val');
  }

  /** Whether a file that belongs to root, with that mode, may be opened for writing. */
  mayWrite(mode: number): boolean {
    const OTHERS_WRITE = 0o002;
    const type = this.k.struct('cred');
    const root = this.current === 0 || type.get(this.current, 'fsuid.val') === 0;
    return root || this.capable('CAP_DAC_OVERRIDE') || (mode & OTHERS_WRITE) !== 0;
  }

  /** copy_creds(): a new task has its maker's; one that no task made is the user's, a kernel thread root's. */
  inherit(task: Task, kernelThread: boolean): void {
    const { k } = this;
    if (!k.hasSymbol('init_cred')) return;
    const root = k.symbol('init_cred');
    const maker = k.scheduler.current;
    const cred = kernelThread ? root : maker ? this.current : this.ofUser(this.uid);
    this.assign(task.object, cred);
    this.count(cred, 2);
  }

  /** Makes a struct cred a task's own, without counting. */
  assign(task: Ptr, cred: Ptr): void {
    const type = this.k.struct('task_struct');
    type.set(task, 'cred', cred);
    type.set(task, 'real_cred', cred);
  }

  /** Adds to the references of a struct cred: what is left. */
  count(cred: Ptr, by: number): number {
    if (cred === 0) return 1;
    const type = this.k.struct('cred');
    const left = type.get(cred, 'usage.counter') + by;
    type.set(cred, 'usage.counter', left);
    return left;
  }

  private ofUser(uid: number): Ptr {
    const { k } = this;
    const root = k.symbol('init_cred');
    if (uid === 0) return root;
    const known = this.byUser.get(uid);
    if (known !== undefined) return known;
    const type = k.struct('cred');
    const cred = k.permanent(type.size);
    k.space.bytes.copyWithin(cred, root, root + type.size);
    for (const member of USERS) type.set(cred, `${member}.val`, uid);
    for (const set of CAPABILITY_SETS) k.space.store64(type.addr(cred, set), 0n);
    type.set(cred, 'usage.counter', 1);
    this.byUser.set(uid, cred);
    return cred;
  }
}
