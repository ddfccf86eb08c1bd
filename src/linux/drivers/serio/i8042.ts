import type { Ptr } from '../../../cpu/layout.js';
import { EBUSY, EINVAL } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** The PC's keyboard controller (drivers/input/serio/i8042.c): not there, but a filter can wait for its data. */
export class I8042 implements Subsystem {
  static readonly builtIn = 'CONFIG_SERIO_I8042';

  private filter: Ptr = 0;

  constructor(readonly k: LinuxKernel) {}

  readonly exports = {
    i8042_install_filter: (filter: Ptr) => {
      if (this.filter !== 0) return -EBUSY;
      this.filter = filter;
      return 0;
    },
    i8042_remove_filter: (filter: Ptr) => {
      if (this.filter !== filter) return -EINVAL;
      this.filter = 0;
      return 0;
    },
  };

  holds(): Iterable<Holding> {
    const at = this.filter;
    return at === 0 ? [] : [{ kind: 'i8042 filter', at, name: () => '' }];
  }
}
