import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const UNLABELED = 'no policy labels objects of System V';

/** What the MAC framework does with objects of System V IPC (sys/security/mac/mac_sysv_*.c): no object has a label. */
export class MacSystemV implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    mac_sysvmsg_init: partly(UNLABELED, (at: Ptr) => this.clear('msg', at)),
    mac_sysvmsq_init: partly(UNLABELED, (at: Ptr) => this.clear('msqid_kernel', at)),
    mac_sysvsem_init: partly(UNLABELED, (at: Ptr) => this.clear('semid_kernel', at)),
    mac_sysvshm_init: partly(UNLABELED, (at: Ptr) => this.clear('shmid_kernel', at)),
    mac_sysvmsg_destroy: (at: Ptr) => this.clear('msg', at),
    mac_sysvmsq_destroy: (at: Ptr) => this.clear('msqid_kernel', at),
    mac_sysvsem_destroy: (at: Ptr) => this.clear('semid_kernel', at),
    mac_sysvshm_destroy: (at: Ptr) => this.clear('shmid_kernel', at),
  };

  readonly signatures = Object.fromEntries(Object.keys(this.exports).map((name) => [name, 'v:p']));

  private clear(type: 'msg' | 'msqid_kernel' | 'semid_kernel' | 'shmid_kernel', at: Ptr): void {
    this.k.struct(type).set(at, 'label', 0);
  }
}
