import { BASE_SUBSYSTEMS } from './base-subsystems.js';
import { BLOCK_SUBSYSTEMS } from './block/index.js';
import { CRYPTO_SUBSYSTEMS } from './crypto/index.js';
import { DRIVER_SUBSYSTEMS } from './drivers/index.js';
import { FS_SUBSYSTEMS } from './fs/index.js';
import { TaintFile } from './fs/proc/tainted.js';
import { KOBJECT_SUBSYSTEMS } from './kobject/index.js';
import { LIB_SUBSYSTEMS } from './lib/index.js';
import { BuiltinParameters } from './module/builtin-parameters.js';
import { ModuleDirectories } from './module/module-directory.js';
import { ModuleSecurity } from './module/module-security.js';
import { NET_SUBSYSTEMS } from './net/index.js';
import { PRINTK_SUBSYSTEMS } from './printk/index.js';
import { SECURITY_SUBSYSTEMS } from './security/index.js';
import type { SubsystemClass } from './subsystem.js';

/** Every subsystem of the Linux base kernel, in boot order. */
export const SUBSYSTEMS: readonly SubsystemClass[] = [
  ...BASE_SUBSYSTEMS,
  ...PRINTK_SUBSYSTEMS,
  ...LIB_SUBSYSTEMS,
  ...KOBJECT_SUBSYSTEMS,
  ModuleDirectories,
  ...FS_SUBSYSTEMS,
  TaintFile,
  BuiltinParameters,
  ...BLOCK_SUBSYSTEMS,
  ...DRIVER_SUBSYSTEMS,
  ...CRYPTO_SUBSYSTEMS,
  ...SECURITY_SUBSYSTEMS,
  ModuleSecurity,
  ...NET_SUBSYSTEMS,
];
