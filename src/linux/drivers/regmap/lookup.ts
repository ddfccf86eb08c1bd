import { nothing } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Register maps (drivers/base/regmap): no device of this machine has one, so look-ups find none. */
export class RegmapLookup implements Subsystem {
  static readonly builtIn = 'CONFIG_REGMAP';

  readonly exports = {
    dev_get_regmap: nothing('no device has a register map', 0),
  };

  constructor(readonly k: LinuxKernel) {}
}
