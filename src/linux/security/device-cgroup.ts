import { constant } from '../../kernel/abi/fidelity.js';
import type { Subsystem } from '../subsystem.js';

/** Which devices a control group may use (security/device_cgroup.c): the root, the only one there is, all of them. */
export class DeviceCgroup implements Subsystem {
  static readonly builtIn = 'CONFIG_CGROUPS';

  readonly exports = { devcgroup_check_permission: constant(0) };
}
