import type { NativeSubsystem } from './subsystem.js';

/** The subsystems that run natively, each with a scenario in the tests beside this. */
export const NATIVE_SUBSYSTEMS: readonly NativeSubsystem[] = [
  {
    // drivers/i2c: the bus is TypeScript's.
    name: 'i2c',
    functions: /^(__)?i2c_/,
    init: [],
    shares: ['device', 'i2c_adapter', 'i2c_client', 'task_struct'],
  },
  {
    name: 'regmap',
    functions: /^(_*(devm_)?_*regmap_|dev_get_regmap)/,
    init: ['regmap_initcall'],
    shares: ['device', 'i2c_client', 'regmap', 'task_struct'],
    needs: ['i2c'],
  },
];
