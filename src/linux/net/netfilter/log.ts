import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GuestTable } from '../../abi/guest-table.js';
import { EEXIST, EINVAL, ENOENT, EOPNOTSUPP } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import { Modules } from '../../kallsyms/modules.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';

/** Families (NFPROTO_NUMPROTO) and what loggers are for (NF_LOG_TYPE_LOG and _ULOG). */
const FAMILIES = 11;
const UNSPEC = 0;
const INET = 1;
const NETDEV = 5;
const TYPES = 2;
/** `struct nf_logger *loggers[NFPROTO_NUMPROTO][NF_LOG_TYPE_MAX]` */
const TABLE = 'loggers';

/** Loggers of packets for netfilter (net/netfilter/nf_log.c). */
export class NetfilterLoggers implements Subsystem {
  static readonly builtIn = 'CONFIG_NETFILTER';

  private readonly loggers: GuestTable;

  constructor(private readonly k: LinuxKernel) {
    this.loggers = new GuestTable(k, TABLE, FAMILIES * TYPES);
  }

  readonly exports = {
    nf_log_register: (family: number, logger: Ptr) => this.register(family, logger),
    nf_log_unregister: (logger: Ptr) => this.unregister(logger),
    nf_log_set: (net: Ptr, family: number, logger: Ptr) => this.set(net, family, logger),
    nf_log_unset: (net: Ptr, logger: Ptr) => this.unset(net, logger),
    nf_log_bind_pf: (net: Ptr, family: number, logger: Ptr) => this.bind(net, family, logger),
    nf_log_unbind_pf: (net: Ptr, family: number) => {
      if (family < FAMILIES) this.k.space.storePtr(this.slot(net, family), 0);
    },
    nf_logger_find_get: (family: number, type: number) => this.findGet(family, type),
    nf_logger_put: (family: number, type: number) => this.put(family, type),
  };

  readonly keeps = [TABLE];

  holds(): Iterable<Holding> {
    const what = { kind: 'netfilter logger', struct: 'nf_logger', name: 'name', uses: ['logfn'] };
    return heldStructs(this.k, what, new Set([...this.loggers.entries()].map(([, logger]) => logger)));
  }

  private register(family: number, logger: Ptr): number {
    if (family >= FAMILIES) return -EINVAL;
    this.k.origins.note(logger);
    const type = this.type(logger);
    if (family !== UNSPEC) {
      if (this.loggers.get(family * TYPES + type) !== 0) return -EEXIST;
      this.loggers.set(family * TYPES + type, logger);
      return 0;
    }
    const all = Array.from({ length: FAMILIES - 1 }, (_, i) => (i + 1) * TYPES + type);
    if (all.some((key) => this.loggers.get(key) !== 0)) return -EEXIST;
    for (const key of all) this.loggers.set(key, logger);
    return 0;
  }

  private *unregister(logger: Ptr): Sleepable<void> {
    for (const [key, known] of this.loggers.entries()) if (known === logger) this.loggers.set(key, 0);
    yield* this.k.get(Rcu).synchronize();
  }

  /** The default logger of a family in a namespace, unless there is one already. */
  private set(net: Ptr, family: number, logger: Ptr): number {
    if (family === UNSPEC || family >= FAMILIES) return -EOPNOTSUPP;
    const slot = this.slot(net, family);
    if (this.k.space.loadPtr(slot) === 0) this.k.space.storePtr(slot, logger);
    return 0;
  }

  private unset(net: Ptr, logger: Ptr): void {
    for (let family = 0; family < FAMILIES; family++) {
      const slot = this.slot(net, family);
      if (this.k.space.loadPtr(slot) === logger) this.k.space.storePtr(slot, 0);
    }
  }

  private bind(net: Ptr, family: number, logger: Ptr): number {
    if (family >= FAMILIES) return -EINVAL;
    const known = [...Array(TYPES).keys()].some((type) => this.loggers.get(family * TYPES + type) === logger);
    if (!known) return -ENOENT;
    this.k.space.storePtr(this.slot(net, family), logger);
    return 0;
  }

  /** A logger with a reference to its module; rules of `inet` and `netdev` need those of IPv4 and IPv6. */
  private findGet(family: number, type: number): number {
    if (family === INET || family === NETDEV) {
      const first = this.findGet(2, type);
      if (first < 0) return first;
      const second = this.findGet(10, type);
      if (second < 0) this.put(2, type);
      return second;
    }
    const logger = this.loggers.get(family * TYPES + type);
    if (logger === 0) return -ENOENT;
    const owner = this.k.struct('nf_logger').get(logger, 'me');
    return this.k.get(Modules).tryGet(owner) ? 0 : -ENOENT;
  }

  private put(family: number, type: number): void {
    if (family === INET || family === NETDEV) {
      this.put(2, type);
      this.put(10, type);
      return;
    }
    const logger = this.loggers.get(family * TYPES + type);
    if (logger !== 0) this.k.get(Modules).putStruct(this.k.struct('nf_logger').get(logger, 'me'));
  }

  private type(logger: Ptr): number {
    return this.k.struct('nf_logger').get(logger, 'type');
  }

  private slot(net: Ptr, family: number): Ptr {
    return this.k.struct('net').addr(net, 'nf.nf_loggers') + family * 8;
  }
}
