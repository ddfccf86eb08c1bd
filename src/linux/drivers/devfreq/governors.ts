import type { Ptr } from '../../../cpu/layout.js';
import { LOGLEVEL_ERR } from '../../../kernel/log.js';
import { list } from '../../abi/list.js';
import { EINVAL, ENODEV } from '../../errno.js';
import { type Holding, heldStructs, listedStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Governors of devices with more than one frequency (drivers/devfreq/devfreq.c). */
export class DevfreqGovernors implements Subsystem {
  static readonly builtIn = 'CONFIG_PM_DEVFREQ';

  private list: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    devfreq_add_governor: (governor: Ptr) => this.add(governor),
    devfreq_remove_governor: (governor: Ptr) => this.remove(governor),
  };

  holds(): Iterable<Holding> {
    const listed = listedStructs(this.k, 'devfreq_governor', 'node', this.list);
    const what = { kind: 'device frequency governor', struct: 'devfreq_governor', name: 'name' };
    return heldStructs(this.k, what, listed);
  }

  boot(): void {
    const { k } = this;
    this.list = k.hasSymbol('devfreq_governor_list') ? k.symbol('devfreq_governor_list') : k.permanent(16);
    list.init(k.space, this.list);
  }

  private add(governor: Ptr): number {
    const { k } = this;
    if (governor === 0) {
      k.log.line('devfreq_add_governor: Invalid parameters.', LOGLEVEL_ERR);
      return -EINVAL;
    }
    const type = k.struct('devfreq_governor');
    const name = type.text(governor, 'name');
    if (this.governors().some((other) => type.text(other, 'name') === name)) {
      k.log.line(`devfreq_add_governor: governor ${name} already registered`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    this.k.origins.note(governor);
    list.add(k.space, type.addr(governor, 'node'), this.list);
    return 0;
  }

  private remove(governor: Ptr): number {
    if (governor === 0) return -EINVAL;
    if (!this.governors().includes(governor)) return -ENODEV;
    list.delInit(this.k.space, this.k.struct('devfreq_governor').addr(governor, 'node'));
    return 0;
  }

  private governors(): Ptr[] {
    const type = this.k.struct('devfreq_governor');
    return [...list.entries(this.k.space, this.list)].map((node) => type.of(node, 'node'));
  }
}
