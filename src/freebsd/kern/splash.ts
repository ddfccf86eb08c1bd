import type { Ptr } from '../../cpu/layout.js';
import { nothing } from '../../kernel/abi/fidelity.js';
import { ENODEV } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Screen savers and splash images (sys/dev/fb/splash.c): a machine without a console's screen has none. */
export class Splash implements Subsystem {
  constructor(readonly k: FreebsdKernel) {}

  readonly exports = {
    splash_register: nothing('there is no screen', ENODEV),
    splash_unregister: nothing('there is no screen', 0),
    vid_find_adapter: nothing('there is no screen', -1),
    vid_get_adapter: nothing('there is no screen', 0),
    vidd_get_info: (_adapter: Ptr) => ENODEV,
  };

  readonly signatures = { vidd_get_info: 'i:p', splash_register: 'i:p', splash_unregister: 'i:p' };
}
