import type { Ptr } from '../../../cpu/layout.js';
import { GuestTable } from '../../abi/guest-table.js';
import { EINVAL } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Numbers that line disciplines can have (NR_LDISCS, include/uapi/linux/tty.h). */
const COUNT = 31;
/** The kernel's own, which terminals begin with. */
const N_TTY = 0;
/** `struct tty_ldisc_ops *tty_ldiscs[NR_LDISCS]` */
const TABLE = 'tty_ldiscs';

/** Line disciplines: what is between a terminal and its readers (drivers/tty/tty_ldisc.c). */
export class LineDisciplines implements Subsystem {
  static readonly builtIn = 'CONFIG_TTY';

  private readonly table: GuestTable;

  constructor(private readonly k: LinuxKernel) {
    this.table = new GuestTable(k, TABLE, COUNT);
  }

  readonly keeps = [TABLE];

  /** n_tty_init(): the discipline that terminals begin with. */
  boot(): void {
    const { k } = this;
    if (k.hasSymbol('n_tty_ops')) this.table.set(N_TTY, k.symbol('n_tty_ops'));
  }

  readonly exports = {
    tty_register_ldisc: (ops: Ptr) => this.register(ops),
    tty_unregister_ldisc: (ops: Ptr) => {
      this.table.set(this.k.struct('tty_ldisc_ops').get(ops, 'num'), 0);
    },
    n_tty_inherit_ops: (ops: Ptr) => this.inherit(ops),
  };

  holds(): Iterable<Holding> {
    const what = { kind: 'line discipline', struct: 'tty_ldisc_ops', name: 'name', uses: ['owner'] };
    const all = [...this.table.entries()].map(([, ops]) => ops);
    return heldStructs(this.k, what, all);
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
