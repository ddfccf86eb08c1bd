import type { Ptr } from '../../../cpu/layout.js';
import { nothing, partly } from '../../../kernel/abi/fidelity.js';
import { ENOENT } from '../../errno.js';
import { errPtr } from '../../errors.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const NO_CLOCKS = 'nobody has registered a clock';

/** Clocks of devices (drivers/clk/clkdev.c, clk-devres.c): there are none, and a driver for which one is optional does without. */
export class Clocks implements Subsystem {
  static readonly builtIn = 'CONFIG_COMMON_CLK';

  constructor(readonly k: LinuxKernel) {}

  readonly exports = {
    clk_get: nothing(NO_CLOCKS, errPtr(ENOENT)),
    devm_clk_get: nothing(NO_CLOCKS, errPtr(ENOENT)),
    devm_clk_get_prepared: nothing(NO_CLOCKS, errPtr(ENOENT)),
    devm_clk_get_enabled: nothing(NO_CLOCKS, errPtr(ENOENT)),
    devm_clk_get_optional: nothing(NO_CLOCKS, 0),
    devm_clk_get_optional_prepared: nothing(NO_CLOCKS, 0),
    devm_clk_get_optional_enabled: nothing(NO_CLOCKS, 0),
    // What follows is asked of the clock that is none: it does nothing, and that works.
    clk_prepare: partly(NO_CLOCKS, (_clock: Ptr) => 0),
    clk_unprepare: partly(NO_CLOCKS, (_clock: Ptr) => undefined),
    clk_enable: partly(NO_CLOCKS, (_clock: Ptr) => 0),
    clk_disable: partly(NO_CLOCKS, (_clock: Ptr) => undefined),
    clk_get_rate: partly(NO_CLOCKS, (_clock: Ptr) => 0),
    clk_set_rate: partly(NO_CLOCKS, (_clock: Ptr) => 0),
    clk_put: partly(NO_CLOCKS, (_clock: Ptr) => undefined),
  };
}
