import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Task } from '../../kernel/task/task.js';
import { TaskCredentials as Who } from '../credentials.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { Keys } from './keys/keys.js';

const KEY_MEMBERS = ['session_keyring', 'process_keyring', 'thread_keyring', 'request_key_auth'] as const;

/** Copies of credentials, and who acts with them (Documentation/security/credentials.rst). */
export class Credentials implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    prepare_kernel_cred: () => this.forKernel(),
    prepare_creds: () => this.prepare(),
    __put_cred: (cred: Ptr) => this.destroy(cred),
    abort_creds: (cred: Ptr) => this.destroy(cred),
    override_creds: (cred: Ptr) => {
      this.who.count(cred, 1);
      return this.exchange(cred);
    },
    revert_creds: (cred: Ptr) => this.put(this.exchange(cred)),
    commit_creds: (cred: Ptr) => this.commit(cred),
  };

  boot(): void {
    this.k.processes.onExit((task) => this.leave(task));
  }

  /** exit_creds(): the task's two references. Keys are given back by a task that may sleep. */
  private leave(task: Task): void {
    const { k } = this;
    const type = k.struct('task_struct');
    for (const member of ['cred', 'real_cred']) {
      const cred = type.get(task.object, member);
      if (cred === 0 || this.who.count(cred, -1) > 0) continue;
      if (this.keys().every((key) => k.struct('cred').get(cred, key) === 0)) k.slab.free(cred);
      else k.processes.create('cred', this.destroy(cred), { kernelThread: true });
    }
  }

  private get who(): Who {
    return this.k.get(Who);
  }

  /** commit_creds(): takes over the caller's reference; the task's two on what it had are dropped. */
  private *commit(cred: Ptr): Sleepable<number> {
    const type = this.k.struct('task_struct');
    const before = ['cred', 'real_cred'].map((member) => type.get(this.k.current, member));
    this.who.count(cred, 1);
    this.who.assign(this.k.current, cred);
    for (const old of before) yield* this.put(old);
    return 0;
  }

  private *put(cred: Ptr): Sleepable<void> {
    if (cred !== 0 && this.who.count(cred, -1) === 0) yield* this.destroy(cred);
  }

  /** prepare_kernel_cred(): those of init, without keys. */
  private forKernel(): Ptr {
    const cred = this.copy(this.k.symbol('init_cred'));
    for (const member of this.keys()) this.k.struct('cred').set(cred, member, 0);
    return cred;
  }

  /** prepare_creds(): a copy of the caller's, which shares the keys. */
  private prepare(): Ptr {
    const cred = this.copy(this.k.struct('task_struct').get(this.k.current, 'cred'));
    for (const member of this.keys()) this.k.get(Keys).hold(this.k.struct('cred').get(cred, member));
    return cred;
  }

  /** put_cred_rcu(): gives the keys back. */
  private *destroy(cred: Ptr): Sleepable<void> {
    const { k } = this;
    if (cred === k.symbol('init_cred')) return;
    for (const member of this.keys()) yield* k.get(Keys).put(k.struct('cred').get(cred, member));
    k.slab.free(cred);
  }

  /** Members that refer to keys, where the kernel has keys. */
  private keys(): readonly string[] {
    const type = this.k.struct('cred');
    return KEY_MEMBERS.filter((member) => type.has(member));
  }

  private copy(from: Ptr): Ptr {
    const type = this.k.struct('cred');
    const cred = this.k.slab.allocateBytes(type.size, false);
    this.k.space.bytes.copyWithin(cred, from, from + type.size);
    type.set(cred, 'usage.counter', 1);
    return cred;
  }

  private exchange(cred: Ptr): Ptr {
    const task = this.k.struct('task_struct');
    const old = task.get(this.k.current, 'cred');
    task.set(this.k.current, 'cred', cred);
    return old;
  }
}
