import type { Ptr } from '../../cpu/layout.js';
import { INT_MAX } from '../abi/limits.js';
import { Oops } from '../errors.js';
import { Modules } from '../kallsyms/modules.js';
import type { LinuxKernel } from '../kernel.js';
import { jumpEntries, setJump } from '../module/patch-sites.js';
import type { Subsystem } from '../subsystem.js';

/** Static keys (Documentation/staging/static-keys.rst): a change patches every branch on the key. */
export class JumpLabels implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    static_key_slow_inc: (key: Ptr) => this.increment(key),
    static_key_slow_inc_cpuslocked: (key: Ptr) => this.increment(key),
    static_key_slow_dec: (key: Ptr) => this.decrement(key),
    static_key_slow_dec_cpuslocked: (key: Ptr) => this.decrement(key),
    static_key_enable: (key: Ptr) => this.set(key, 1),
    static_key_enable_cpuslocked: (key: Ptr) => this.set(key, 1),
    static_key_disable: (key: Ptr) => this.set(key, 0),
    static_key_disable_cpuslocked: (key: Ptr) => this.set(key, 0),
    static_key_count: (key: Ptr) => this.count(key),
  };

  count(key: Ptr): number {
    return this.k.space.loadInt32(key);
  }

  /** True unless the count would overflow. */
  private increment(key: Ptr): boolean {
    if (this.count(key) === INT_MAX) return false;
    this.set(key, this.count(key) + 1);
    return true;
  }

  /** static_key_slow_dec() */
  decrement(key: Ptr): void {
    const count = this.count(key);
    if (count <= 0) throw new Oops('bug', 'jump label: negative count!', key);
    this.set(key, count - 1);
  }

  private set(key: Ptr, count: number): void {
    const was = this.count(key) > 0;
    this.k.space.store32(key, count);
    if (was === count > 0) return;
    for (const module of this.k.get(Modules).list())
      for (const entry of jumpEntries(this.k, module)) if (entry.key === key) setJump(this.k, entry);
    this.k.native?.keyChanged(key);
  }
}
