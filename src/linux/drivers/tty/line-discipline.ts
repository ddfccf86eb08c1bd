import type { Ptr } from '../../../cpu/layout.js';
import { EINVAL } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Numbers that line disciplines can have (NR_LDISCS, include/uapi/linux/tty.h). */
const COUNT = 31;

/** Line disciplines: what is between a terminal and its readers (drivers/tty/tty_ldisc.c). */
export class LineDisciplines implements Subsystem {
  static readonly builtIn = 'CONFIG_TTY';

  private readonly table = new Map<number, Ptr>();

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    tty_register_ldisc: (ops: Ptr) => this.register(ops),
    tty_unregister_ldisc: (ops: Ptr) => {
      this.table.delete(this.k.struct('tty_ldisc_ops').get(ops, 'num'));
    },
    n_tty_inherit_ops: (ops: Ptr) => this.inherit(ops),
  };

  holds(): Iterable<Holding> {
    const what = { kind: 'line discipline', struct: 'tty_ldisc_ops', name: 'name', uses: ['owner'] };
    return heldStructs(this.k, what, this.table.values());
  }

  /** The struct tty_ldisc_ops of a number. */
  find(number: number): Ptr {
    return this.table.get(number) ?? 0;
  }

  private register(ops: Ptr): number {
    const number = this.k.struct('tty_ldisc_ops').get(ops, 'num');
    if (number < 0 || number >= COUNT) return -EINVAL;
    this.k.origins.note(ops);
    this.table.set(number, ops);
    return 0;
  }

  /** A discipline that is N_TTY but for what it changes: the operations, without an owner. */
  private inherit(ops: Ptr): void {
    const type = this.k.struct('tty_ldisc_ops');
    if (this.k.hasSymbol('n_tty_ops')) {
      const own = this.k.space.readable(this.k.symbol('n_tty_ops'), type.size);
      this.k.space.writable(ops, type.size).set(own);
    }
    type.set(ops, 'owner', 0);
  }
}
