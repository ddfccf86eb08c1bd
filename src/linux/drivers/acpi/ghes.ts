import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import { EINVAL } from '../../errno.js';
import type { Holding } from '../../holding.js';
import type { Subsystem } from '../../subsystem.js';

/** Hardware errors that firmware reports (drivers/acpi/apei/ghes.c): this machine's firmware has no such source. */
export class Ghes implements Subsystem {
  static readonly builtIn = 'CONFIG_ACPI_APEI_GHES';

  /** Work that is queued when an error of a CXL device comes in. */
  private cxlWork: Ptr = 0;

  readonly exports = {
    ghes_get_devices: nothing('there are no ACPI tables', 0),
    cxl_cper_register_work: (work: Ptr) => {
      if (this.cxlWork !== 0) return -EINVAL;
      this.cxlWork = work;
      return 0;
    },
    cxl_cper_unregister_work: (work: Ptr) => {
      if (this.cxlWork !== work) return -EINVAL;
      this.cxlWork = 0;
      return 0;
    },
  };

  holds(): Iterable<Holding> {
    const at = this.cxlWork;
    return at === 0 ? [] : [{ kind: 'CXL error work', at, name: () => '' }];
  }
}
