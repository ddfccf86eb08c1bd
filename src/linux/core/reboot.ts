import type { LinuxKernel } from '../kernel.js';
import { chainExports, type NamedChain, namedChain } from '../locking/named-chains.js';
import { ATOMIC, BLOCKING } from '../locking/notifier.js';
import type { Subsystem } from '../subsystem.js';

const chain = (symbol: string, type: NamedChain['type'], name: string): NamedChain =>
  namedChain(symbol, type, name, `register_${name}`);

const CHAINS: readonly NamedChain[] = [
  chain('reboot_notifier_list', BLOCKING, 'reboot_notifier'),
  chain('restart_handler_list', ATOMIC, 'restart_handler'),
  chain('pm_chain_head', BLOCKING, 'pm_notifier'),
  chain('memory_chain', BLOCKING, 'memory_notifier'),
  chain('die_chain', ATOMIC, 'die_notifier'),
  chain('oom_notify_list', BLOCKING, 'oom_notifier'),
  chain('vmap_notify_list', BLOCKING, 'vmap_purge_notifier'),
  chain('keyboard_notifier_list', ATOMIC, 'keyboard_notifier'),
  chain('vt_notifier_list', ATOMIC, 'vt_notifier'),
  chain('acpi_chain_head', BLOCKING, 'acpi_notifier'),
  {
    register: 'acpi_reconfig_notifier_register',
    unregister: 'acpi_reconfig_notifier_unregister',
    symbol: 'acpi_reconfig_chain',
    type: BLOCKING,
    title: 'acpi_reconfig_notifier_register',
  },
  chain('vmfork_chain', BLOCKING, 'random_vmfork_notifier'),
  {
    register: 'mce_register_decode_chain',
    unregister: 'mce_unregister_decode_chain',
    symbol: 'x86_mce_decoder_chain',
    type: BLOCKING,
    title: 'mce_register_decode_chain',
  },
];

/**
 * Notifier chains of events that this machine can have but does not raise by itself: power, memory hot-plug,
 * reboot, machine checks. Blocks are kept in order, and can be taken out again.
 */
export class EventChains implements Subsystem {
  readonly keeps = CHAINS.map(({ symbol }) => symbol);
  readonly exports: Subsystem['exports'];

  constructor(k: LinuxKernel) {
    this.exports = chainExports(k, CHAINS);
  }
}
