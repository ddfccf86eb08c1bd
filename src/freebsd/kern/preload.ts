import { nothing } from '../../kernel/abi/fidelity.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** What the loader handed over (sys/kern/subr_module.c). Files that are loaded at boot are read by the base kernel itself. */
export class Preload implements Subsystem {
  constructor(readonly k: FreebsdKernel) {}

  readonly exports = {
    preload_search_next_name: nothing('nothing is preloaded in memory', 0),
    preload_search_by_name: nothing('nothing is preloaded in memory', 0),
    preload_search_by_type: nothing('nothing is preloaded in memory', 0),
    preload_fetch_addr: nothing('nothing is preloaded in memory', 0),
    preload_fetch_size: nothing('nothing is preloaded in memory', 0),
    preload_search_info: nothing('nothing is preloaded in memory', 0),
    preload_delete_name: () => {},
  };
}
