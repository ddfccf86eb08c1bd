import type { Ptr } from '../../cpu/layout.js';
import { constant } from '../../kernel/abi/fidelity.js';
import { EOPNOTSUPP } from '../errno.js';
import type { Subsystem } from '../subsystem.js';

/** What security modules would have file systems keep with a new inode (security/security.c): no module is stacked, so nothing. */
export class InodeSecurity implements Subsystem {
  readonly exports = {
    security_inode_init_security: (_inode: Ptr, _directory: Ptr, _name: Ptr, set: Ptr, _data: Ptr) =>
      set === 0 ? -EOPNOTSUPP : 0,
    // EVM, which is no stacked module, has no key.
    security_inode_setattr: constant(0),
  };
}
