import type { Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { ENOENT } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Kinds of programs (sys/kern/kern_exec.c): what modules know how to start, each a struct execsw. */
export class ExecSwitches implements Subsystem {
  private readonly switches: Ptr[] = [];

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    exec_register: partly('no process runs a program of FreeBSD', (at: Ptr) => {
      this.switches.push(at);
      this.k.origins.note(at);
      return 0;
    }),
    exec_unregister: (at: Ptr) => this.unregister(at),
  };

  private unregister(at: Ptr): number {
    const index = this.switches.indexOf(at);
    if (index < 0) return ENOENT;
    this.switches.splice(index, 1);
    this.k.origins.forget(at);
    return 0;
  }

  *holds(): Generator<Holding> {
    const type = this.k.struct('execsw');
    for (const at of this.switches)
      yield {
        kind: 'kind of program',
        at,
        uses: [type.get(at, 'ex_imgact')],
        by: this.k.origins.of(at),
        name: () => type.string(at, 'ex_name'),
      };
  }
}
