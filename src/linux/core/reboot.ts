import type { Ptr } from '../../cpu/layout.js';
import type { LinuxKernel } from '../kernel.js';
import { ATOMIC, BLOCKING, Notifiers } from '../locking/notifier.js';
import type { Subsystem } from '../subsystem.js';

interface Chain {
  readonly register: string;
  readonly unregister: string;
  /** The kernel's variable that heads it. */
  readonly symbol: string;
  readonly type: typeof ATOMIC | typeof BLOCKING;
}

const chain = (symbol: string, type: Chain['type'], name: string): Chain => ({
  register: `register_${name}`,
  unregister: `unregister_${name}`,
  symbol,
  type,
});

const CHAINS: readonly Chain[] = [
  chain('reboot_notifier_list', BLOCKING, 'reboot_notifier'),
  chain('restart_handler_list', ATOMIC, 'restart_handler'),
  chain('pm_chain_head', BLOCKING, 'pm_notifier'),
  chain('memory_chain', BLOCKING, 'memory_notifier'),
  chain('die_chain', ATOMIC, 'die_notifier'),
  chain('oom_notify_list', BLOCKING, 'oom_notifier'),
  chain('vmap_notify_list', BLOCKING, 'vmap_purge_notifier'),
  chain('keyboard_notifier_list', ATOMIC, 'keyboard_notifier'),
  chain('vt_notifier_list', ATOMIC, 'vt_notifier'),
  chain('vmfork_chain', BLOCKING, 'random_vmfork_notifier'),
  {
    register: 'mce_register_decode_chain',
    unregister: 'mce_unregister_decode_chain',
    symbol: 'x86_mce_decoder_chain',
    type: BLOCKING,
  },
];

/**
 * Notifier chains of events that this machine can have but does not raise by itself: power, memory hot-plug,
 * reboot, machine checks. Blocks are kept in order, and can be taken out again.
 */
export class EventChains implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly keeps = CHAINS.map(({ symbol }) => symbol);
  readonly exports = this.build();

  private build(): Record<string, (block: Ptr) => number> {
    const found: Record<string, (block: Ptr) => number> = {};
    for (const { register, unregister, symbol, type } of CHAINS) {
      const head = (): Ptr => this.head(symbol, register, type);
      found[register] = (block) => this.k.get(Notifiers).register(head(), block, false, type);
      found[unregister] = (block) => this.k.get(Notifiers).unregister(head(), block, type);
    }
    return found;
  }

  private head(symbol: string, register: string, type: Chain['type']): Ptr {
    const head = this.k.variable(symbol, this.k.sizeOf(type));
    this.k.get(Notifiers).nameChain(head, register);
    return head;
  }
}
