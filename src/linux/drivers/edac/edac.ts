import type { Ptr } from '../../../cpu/layout.js';
import { nothing } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** EDAC_OPSTATE_INVAL: nobody has chosen yet how errors are reported (include/linux/edac.h). */
const OPSTATE_INVALID = 0xffff_ffff;

/** Memory error reporting (drivers/edac): no driver owns the machine's memory controller. */
export class Edac implements Subsystem {
  static readonly builtIn = 'CONFIG_EDAC';

  readonly exports = {
    edac_get_owner: nothing('there is no memory controller', 0),
    edac_has_mcs: nothing('there is no memory controller', false),
    edac_mc_find: nothing('there is no memory controller', 0),
  };

  readonly data = {
    edac_op_state: (address: Ptr) => this.k.space.store32(address, OPSTATE_INVALID),
  };

  constructor(private readonly k: LinuxKernel) {}
}
