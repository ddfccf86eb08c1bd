import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_NOTICE } from '../../../kernel/log.js';
import { GuestList } from '../../abi/guest-list.js';
import { EEXIST, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { jhash } from '../../lib/hash/jhash.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';

interface BuiltIn {
  readonly name: string;
  readonly option?: string;
  /** Members of struct tcp_congestion_ops and the functions of the kernel image that they point to. */
  readonly functions: Readonly<Record<string, string>>;
}

/** Whoever likes may choose it (TCP_CONG_NON_RESTRICTED). */
const UNRESTRICTED = 1;

/** Algorithms of the kernel image, if the configuration says so. */
const BUILT_IN: readonly BuiltIn[] = [
  {
    name: 'reno',
    functions: {
      ssthresh: 'tcp_reno_ssthresh',
      cong_avoid: 'tcp_reno_cong_avoid',
      undo_cwnd: 'tcp_reno_undo_cwnd',
    },
  },
  {
    name: 'cubic',
    option: 'CONFIG_TCP_CONG_CUBIC',
    functions: {
      init: 'cubictcp_init',
      ssthresh: 'cubictcp_recalc_ssthresh',
      cong_avoid: 'cubictcp_cong_avoid',
      set_state: 'cubictcp_state',
      undo_cwnd: 'tcp_reno_undo_cwnd',
      cwnd_event: 'cubictcp_cwnd_event',
      pkts_acked: 'cubictcp_acked',
    },
  },
  {
    name: 'bbr',
    option: 'CONFIG_TCP_CONG_BBR',
    functions: {
      init: 'bbr_init',
      cong_control: 'bbr_main',
      sndbuf_expand: 'bbr_sndbuf_expand',
      undo_cwnd: 'bbr_undo_cwnd',
      cwnd_event: 'bbr_cwnd_event',
      ssthresh: 'bbr_ssthresh',
      min_tso_segs: 'bbr_min_tso_segs',
      set_state: 'bbr_set_state',
    },
  },
];

/** TCP congestion control algorithms and upper layer protocols (net/ipv4/tcp_cong.c, tcp_ulp.c). */
export class TcpAlgorithms implements Subsystem {
  private readonly algorithms: GuestList;
  private readonly ulps: GuestList;
  readonly keeps = ['tcp_cong_list', 'tcp_ulp_list', 'tcp_reno'];

  constructor(private readonly k: LinuxKernel) {
    this.algorithms = new GuestList(k, 'tcp_congestion_ops', 'list', 'tcp_cong_list', {
      kind: 'TCP congestion control',
      name: 'name',
    });
    this.ulps = new GuestList(k, 'tcp_ulp_ops', 'list', 'tcp_ulp_list', {
      kind: 'TCP upper layer protocol',
      name: 'name',
    });
  }

  readonly exports = {
    tcp_register_congestion_control: (ops: Ptr) => this.register(ops),
    tcp_unregister_congestion_control: (ops: Ptr) => this.unregister(ops),
    tcp_register_ulp: (ops: Ptr) => this.registerUlp(ops),
    tcp_unregister_ulp: (ops: Ptr) => this.unregisterUlp(ops),
  };

  boot(): void {
    const { k } = this;
    const type = k.struct('tcp_congestion_ops');
    for (const { name, option, functions } of BUILT_IN) {
      if (option !== undefined && k.target.config.get(option) !== 'y') continue;
      const ops = name === 'reno' && k.hasSymbol('tcp_reno') ? k.symbol('tcp_reno') : k.permanent(type.size);
      type.setText(ops, 'name', name);
      type.set(ops, 'key', this.key(name));
      type.set(ops, 'flags', UNRESTRICTED);
      for (const [field, fn] of Object.entries(functions))
        if (type.has(field) && k.hasSymbol(fn)) type.set(ops, field, k.fn(fn));
      this.algorithms.addTail(ops);
    }
  }

  /** Names of the algorithms there are, in order of registration. */
  names(): string[] {
    return [...this.algorithms].map((ops) => this.k.struct('tcp_congestion_ops').text(ops, 'name'));
  }

  private register(ops: Ptr): number {
    const { k } = this;
    const type = k.struct('tcp_congestion_ops');
    const name = type.text(ops, 'name');
    const has = (field: string): boolean => type.get(ops, field) !== 0;
    if (!has('ssthresh') || !has('undo_cwnd') || !(has('cong_avoid') || has('cong_control'))) {
      k.log.line(`TCP: ${name} does not implement required ops`, LOGLEVEL_ERR);
      return -EINVAL;
    }
    const key = this.key(name);
    type.set(ops, 'key', key);
    if (key === 0 || this.algorithms.find((known) => type.get(known, 'key') === key) !== undefined) {
      k.log.line(`TCP: ${name} already registered or non-unique key`, LOGLEVEL_NOTICE);
      return -EEXIST;
    }
    this.algorithms.addTail(ops);
    return 0;
  }

  private *unregister(ops: Ptr): Sleepable<void> {
    this.algorithms.del(ops);
    yield* this.k.get(Rcu).synchronize();
  }

  private registerUlp(ops: Ptr): number {
    const type = this.k.struct('tcp_ulp_ops');
    const name = type.text(ops, 'name');
    if (this.ulps.find((known) => type.text(known, 'name') === name) !== undefined) return -EEXIST;
    this.ulps.addTail(ops);
    return 0;
  }

  private *unregisterUlp(ops: Ptr): Sleepable<void> {
    this.ulps.del(ops);
    yield* this.k.get(Rcu).synchronize();
  }

  /** A number for the name that metrics of routes can hold. */
  private key(name: string): number {
    const padded = new Uint8Array(this.k.struct('tcp_congestion_ops').member('name').size);
    padded.set(new TextEncoder().encode(name));
    return jhash(padded, name.length);
  }
}
