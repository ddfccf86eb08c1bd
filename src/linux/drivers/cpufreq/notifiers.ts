import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Notifiers } from '../../locking/notifier.js';
import type { Subsystem } from '../../subsystem.js';

/** Which of two lists a block is for (include/linux/cpufreq.h). */
const CPUFREQ_TRANSITION_NOTIFIER = 0;
const CPUFREQ_POLICY_NOTIFIER = 1;

/**
 * Who is told of changes of the CPU's frequency and of its policies (drivers/cpufreq/cpufreq.c). No driver changes
 * the frequency of this machine's CPU, so that nobody is told anything.
 */
export class CpuFreqNotifiers implements Subsystem {
  static readonly builtIn = 'CONFIG_CPU_FREQ';

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    cpufreq_register_notifier: (block: Ptr, list: number) => this.register(block, list),
    cpufreq_unregister_notifier: (block: Ptr, list: number) => this.unregister(block, list),
  };

  private register(block: Ptr, list: number): number {
    const notifiers = this.k.get(Notifiers);
    if (list === CPUFREQ_TRANSITION_NOTIFIER)
      return notifiers.register(this.transitions, block, false, 'srcu_notifier_head');
    return list === CPUFREQ_POLICY_NOTIFIER ? notifiers.register(this.policies, block) : -EINVAL;
  }

  private unregister(block: Ptr, list: number): number {
    const notifiers = this.k.get(Notifiers);
    if (list === CPUFREQ_TRANSITION_NOTIFIER)
      return notifiers.unregister(this.transitions, block, 'srcu_notifier_head');
    return list === CPUFREQ_POLICY_NOTIFIER ? notifiers.unregister(this.policies, block) : -EINVAL;
  }

  private get transitions(): Ptr {
    return this.k.variable('cpufreq_transition_notifier_list', this.k.sizeOf('srcu_notifier_head'));
  }

  private get policies(): Ptr {
    return this.k.variable('cpufreq_policy_notifier_list', this.k.sizeOf('blocking_notifier_head'));
  }
}
