import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { LinuxKernel } from '../kernel.js';
import { Keys } from '../security/keys/keys.js';
import type { Subsystem } from '../subsystem.js';

const KEY_MEMBERS = ['session_keyring', 'process_keyring', 'thread_keyring', 'request_key_auth'] as const;

/** Credentials (Documentation/security/credentials.rst): copies of root's, which every task here has. */
export class Credentials implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    prepare_kernel_cred: () => this.forKernel(),
    prepare_creds: () => this.prepare(),
    __put_cred: (cred: Ptr) => this.destroy(cred),
    abort_creds: (cred: Ptr) => this.destroy(cred),
    override_creds: (cred: Ptr) => this.override(cred),
    revert_creds: (cred: Ptr) => {
      this.override(cred);
    },
    commit_creds: (cred: Ptr) => {
      this.k.struct('task_struct').set(this.k.current, 'cred', cred);
      this.k.struct('task_struct').set(this.k.current, 'real_cred', cred);
      return 0;
    },
  };

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
    const cred = this.k.slab.kmalloc(type.size, false);
    this.k.space.bytes.copyWithin(cred, from, from + type.size);
    type.set(cred, 'usage.counter', 1);
    return cred;
  }

  private override(cred: Ptr): Ptr {
    const task = this.k.struct('task_struct');
    const old = task.get(this.k.current, 'cred');
    task.set(this.k.current, 'cred', cred);
    return old;
  }
}
