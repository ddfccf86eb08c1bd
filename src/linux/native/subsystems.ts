import type { NativeSubsystem } from './subsystem.js';

/** The subsystems that run natively, each with a scenario in the tests beside this. */
export const NATIVE_SUBSYSTEMS: readonly NativeSubsystem[] = [
  {
    name: 'regmap',
    functions: /^(_*(devm_)?_*regmap_|dev_get_regmap)/,
    init: ['regmap_initcall'],
    shares: ['device', 'i2c_client'],
  },
];
