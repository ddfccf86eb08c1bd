import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { LOGLEVEL_ERR, LOGLEVEL_NOTICE } from '../../../kernel/log.js';
import { GuestList } from '../../abi/guest-list.js';
import { EEXIST, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { jhash } from '../../lib/hash/jhash.js';
import { Rcu } from '../../locking/rcu.js';
import type { Subsystem } from '../../subsystem.js';

/** Algorithms of the kernel image, if the configuration says so. */
const BUILT_IN: readonly (readonly [name: string, option: string])[] = [
  ['reno', ''],
  ['cubic', 'CONFIG_TCP_CONG_CUBIC'],
  ['bbr', 'CONFIG_TCP_CONG_BBR'],
];

/** TCP congestion control algorithms and upper layer protocols (net/ipv4/tcp_cong.c, tcp_ulp.c). */
export class TcpAlgorithms implements Subsystem {
  private readonly algorithms: GuestList;
  private readonly ulps: GuestList;

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
    for (const [name, option] of BUILT_IN) {
      if (option !== '' && k.target.config.get(option) !== 'y') continue;
      const ops = name === 'reno' && k.hasSymbol('tcp_reno') ? k.symbol('tcp_reno') : k.permanent(type.size);
      type.setText(ops, 'name', name);
      type.set(ops, 'key', this.key(name));
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
