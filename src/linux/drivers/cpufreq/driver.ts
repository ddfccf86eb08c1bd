import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { Unimplemented } from '../../../kernel/errors.js';
import { list } from '../../abi/list.js';
import { EEXIST, EINVAL, ENODEV, ENOMEM } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/**
 * Registration of CPU frequency drivers (drivers/cpufreq/cpufreq.c): the driver is asked to take the CPU, and
 * is refused when it does not want it. A policy for a CPU that a driver took is not implemented.
 */
export class CpuFreqDrivers implements Subsystem {
  static readonly builtIn = 'CONFIG_CPU_FREQ';

  private driver: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    cpufreq_register_driver: (driver: Ptr) => this.register(driver),
    cpufreq_unregister_driver: (driver: Ptr) => this.unregister(driver),
    acpi_processor_preregister_performance: nothing('the processor has one frequency', 0),
    acpi_processor_register_performance: nothing('the processor has one frequency', -ENODEV),
    acpi_processor_unregister_performance: nothing('the processor has one frequency', undefined),
    acpi_processor_get_performance_info: nothing('the processor has one frequency', -EINVAL),
    acpi_processor_notify_smm: nothing('the processor has one frequency', -EINVAL),
  };

  private *register(driver: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('cpufreq_driver');
    const has = (member: string): boolean => type.get(driver, member) !== 0;
    const drives = has('setpolicy') || has('target_index') || has('target');
    const mixed = has('setpolicy') && (has('target_index') || has('target'));
    const half = has('get_intermediate') !== has('target_intermediate');
    const lopsided = !has('online') !== !has('offline');
    if (driver === 0 || !has('verify') || !has('init') || !drives || mixed || half || lopsided)
      return -EINVAL;
    if (this.driver !== 0) return -EEXIST;
    this.driver = driver;
    const error = yield* this.offer(driver);
    this.driver = 0;
    if (error === 0)
      throw new Unimplemented(
        'cpufreq_register_driver',
        'int cpufreq_register_driver(struct cpufreq_driver *)',
      );
    return -ENODEV;
  }

  /** The driver's init for a policy of CPU 0: 0 if it takes it. */
  private *offer(driver: Ptr): Sleepable<number> {
    const { k } = this;
    const type = k.struct('cpufreq_policy');
    const policy = k.slab.allocateBytes(type.size, true);
    if (policy === 0) return -ENOMEM;
    list.init(k.space, type.addr(policy, 'policy_list'));
    const masks = ['cpus', 'related_cpus', 'real_cpus'].map((member) => {
      const mask = k.slab.allocateBytes(k.sizeOf('cpumask'), true);
      if (type.member(member).size === 8) type.set(policy, member, mask);
      k.space.store8(mask, 1);
      return mask;
    });
    const error = yield* k.struct('cpufreq_driver').call(driver, 'init', policy);
    for (const mask of masks) k.slab.free(mask);
    k.slab.free(policy);
    return error;
  }

  private unregister(driver: Ptr): number | undefined {
    return this.driver === driver && driver !== 0 ? undefined : -EINVAL;
  }
}
