import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { list } from '../../abi/list.js';
import { EBUSY, EINVAL } from '../../errno.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Frequency governors; the CPU of this machine has one frequency and no driver to change it (drivers/cpufreq). */
export class CpuFreqGovernors implements Subsystem {
  static readonly builtIn = 'CONFIG_CPU_FREQ';

  private list: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    cpufreq_register_governor: (governor: Ptr) => this.register(governor),
    cpufreq_unregister_governor: (governor: Ptr) => this.unregister(governor),
    cpufreq_get_current_driver: nothing('the processor has one frequency', 0),
    cpufreq_get_driver_data: nothing('the processor has one frequency', 0),
    cpufreq_cpu_get: nothing('the processor has one frequency', 0),
    cpufreq_cpu_get_raw: nothing('the processor has one frequency', 0),
    cpufreq_cpu_put: nothing('the processor has one frequency', undefined),
    cpufreq_quick_get: nothing('the processor has one frequency', 0),
    cpufreq_quick_get_max: nothing('the processor has one frequency', 0),
    cpufreq_get: nothing('the processor has one frequency', 0),
  };

  holds(): Iterable<Holding> {
    const listed = listedStructs(this.k, 'cpufreq_governor', 'governor_list', this.list);
    const what = { kind: 'frequency governor', struct: 'cpufreq_governor', name: 'name' };
    return heldStructs(this.k, what, listed);
  }

  boot(): void {
    const { k } = this;
    this.list = k.hasSymbol('cpufreq_governor_list') ? k.symbol('cpufreq_governor_list') : k.permanent(16);
    list.init(k.space, this.list);
  }

  private register(governor: Ptr): number {
    const { k } = this;
    if (governor === 0) return -EINVAL;
    const type = k.struct('cpufreq_governor');
    const name = type.text(governor, 'name');
    const taken = [...list.entries(k.space, this.list)].some(
      (node) => type.text(type.of(node, 'governor_list'), 'name').toLowerCase() === name.toLowerCase(),
    );
    if (taken) return -EBUSY;
    this.k.origins.note(governor);
    list.add(k.space, type.addr(governor, 'governor_list'), this.list);
    return 0;
  }

  private unregister(governor: Ptr): void {
    if (governor === 0) return;
    list.delInit(this.k.space, this.k.struct('cpufreq_governor').addr(governor, 'governor_list'));
  }
}
