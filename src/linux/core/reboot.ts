import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { Notifiers } from '../locking/notifier.js';
import type { Subsystem } from '../subsystem.js';

/** Chains whose heads are private to the kernel image: [what registers, what unregisters]. */
const CHAINS: readonly (readonly [register: string, unregister: string])[] = [
  ['register_reboot_notifier', 'unregister_reboot_notifier'],
  ['register_restart_handler', 'unregister_restart_handler'],
  ['register_pm_notifier', 'unregister_pm_notifier'],
  ['register_memory_notifier', 'unregister_memory_notifier'],
  ['register_die_notifier', 'unregister_die_notifier'],
  ['register_oom_notifier', 'unregister_oom_notifier'],
  ['mce_register_decode_chain', 'mce_unregister_decode_chain'],
  ['register_vmap_purge_notifier', 'unregister_vmap_purge_notifier'],
  ['register_keyboard_notifier', 'unregister_keyboard_notifier'],
  ['register_vt_notifier', 'unregister_vt_notifier'],
  ['register_random_vmfork_notifier', 'unregister_random_vmfork_notifier'],
];

/**
 * Notifier chains of events that this machine can have but does not raise by itself: power, memory hot-plug,
 * reboot, machine checks. Blocks are kept in order, and can be taken out again.
 */
export class EventChains implements Subsystem {
  private readonly heads = new Map<string, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = this.build();

  private build(): Record<string, (block: Ptr) => number> {
    const found: Record<string, (block: Ptr) => number> = {};
    for (const [register, unregister] of CHAINS) {
      found[register] = (block) => this.k.get(Notifiers).register(this.head(register), block);
      found[unregister] = (block) => this.k.get(Notifiers).unregister(this.head(register), block);
    }
    return found;
  }

  private head(name: string): Ptr {
    let head = this.heads.get(name);
    if (head === undefined) {
      head = this.k.permanent(this.k.sizeOf('blocking_notifier_head'));
      this.heads.set(name, head);
      this.k.get(Notifiers).nameChain(head, name);
    }
    return head;
  }
}
