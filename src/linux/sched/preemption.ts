import { LOGLEVEL_INFO, LOGLEVEL_WARNING } from '../../kernel/log.js';
import type { Task } from '../../kernel/task/task.js';
import { bootParameter } from '../boot-parameters.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** When a task loses the CPU in the kernel: at cond_resched(), also at might_sleep(), or wherever preemption is on. */
export type PreemptionModel = 'none' | 'voluntary' | 'full';

/**
 * The preemption model (kernel/sched/core.c, "PREEMPT_DYNAMIC"): the one that the kernel is configured for, or the `preempt=` of the command
 * line where that can be chosen at boot. PREEMPT_RT is always fully preemptible.
 */
export class Preemption implements Subsystem {
  readonly model: PreemptionModel;

  constructor(private readonly k: LinuxKernel) {
    this.model = this.chosen() ?? this.configured();
  }

  boot(): void {
    const { k, model } = this;
    k.traps.preemption = {
      preempts: (task) => model === 'full' && this.isPreemptible(task),
      atMightSleep: model === 'voluntary',
    };
  }

  /** preemptible(), and in no read-side section of RCU: grace periods do not wait for readers that lost the CPU. */
  private isPreemptible(task: Task): boolean {
    const { k } = this;
    const { processes, cpu } = k;
    if (processes.preemptCount !== 0 || !cpu.interruptsEnabled || task.isInterrupt) return false;
    const type = k.struct('task_struct');
    return !type.has('rcu_read_lock_nesting') || type.get(k.current, 'rcu_read_lock_nesting') === 0;
  }

  private configured(): PreemptionModel {
    const { config } = this.k.target;
    const is = (option: string): boolean => config.get(option) === 'y';
    if (is('CONFIG_PREEMPT_RT') || is('CONFIG_PREEMPT')) return 'full';
    if (is('CONFIG_PREEMPT_VOLUNTARY')) return 'voluntary';
    return is('CONFIG_PREEMPT_NONE') ? 'none' : 'full';
  }

  /** setup_preempt_mode(): what the command line says, where it says something that there is. */
  private chosen(): PreemptionModel | undefined {
    const { k } = this;
    const wanted = bootParameter(k.cmdline, 'preempt');
    if (wanted === undefined || !k.configured('CONFIG_PREEMPT_DYNAMIC')) return undefined;
    const isRt = k.configured('CONFIG_PREEMPT_RT');
    if (wanted === 'full' || (!isRt && (wanted === 'none' || wanted === 'voluntary'))) {
      k.log.line(`Dynamic Preempt: ${wanted}`, LOGLEVEL_INFO);
      return wanted;
    }
    k.log.line(`Dynamic Preempt: unsupported mode: ${wanted}`, LOGLEVEL_WARNING);
    return undefined;
  }
}
