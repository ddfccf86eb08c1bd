import type { Ptr } from '../../../cpu/layout.js';
import { EEXIST, EINVAL } from '../../errno.js';
import { type Holding, heldStructs } from '../../holding.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';
import { SkbQueues } from '../core/skb-queue.js';

/** Queueing disciplines of the kernel image: always there, or by its configuration. */
const BUILT_IN: readonly (readonly [id: string, option: string])[] = [
  ['pfifo_fast', ''],
  ['pfifo', ''],
  ['bfifo', ''],
  ['pfifo_head_drop', ''],
  ['mq', ''],
  ['noqueue', ''],
  ['fq_codel', 'CONFIG_NET_SCH_FQ_CODEL'],
  ['fq', 'CONFIG_NET_SCH_FQ'],
];
/** The subsystem of ../../native that makes and runs disciplines. */
const NATIVE = 'traffic-control';

const symbolOf = (id: string): string => (id === 'pfifo_fast' ? 'pfifo_fast_ops' : `${id}_qdisc_ops`);

/** What an operation that a discipline leaves out becomes: that of the discipline that drops everything. */
const DEFAULTS = ['enqueue', 'peek', 'dequeue'] as const;
const TCQ_F_BUILTIN = 1;

/** The kinds of queueing disciplines (net/sched/sch_api.c, sch_generic.c). */
export class QueueingDisciplines implements Subsystem {
  readonly keeps = ['qdisc_base'];

  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    register_qdisc: (ops: Ptr) => this.register(ops),
    unregister_qdisc: (ops: Ptr) => this.unregister(ops),
  };

  holds(): Iterable<Holding> {
    const what = { kind: 'queueing discipline', struct: 'Qdisc_ops', name: 'id' };
    return heldStructs(this.k, what, this.registered());
  }

  readonly data = {
    noop_qdisc: (at: Ptr) => {
      const type = this.k.struct('Qdisc');
      type.set(at, 'flags', TCQ_F_BUILTIN);
      type.set(at, 'ops', this.k.symbol('noop_qdisc_ops'));
      type.set(at, 'refcnt.refs.counter', 1);
      for (const [field, fn] of [
        ['enqueue', 'noop_enqueue'],
        ['dequeue', 'noop_dequeue'],
      ] as const)
        type.set(at, field, this.k.fn(fn));
      for (const queue of ['gso_skb', 'skb_bad_txq']) this.k.get(SkbQueues).init(type.addr(at, queue));
      type.set(at, 'dev_queue', this.noopQueue(at));
    },
    noop_qdisc_ops: (at: Ptr) => this.fill(at, 'noop'),
    pfifo_qdisc_ops: (at: Ptr) => this.fill(at, 'pfifo'),
    bfifo_qdisc_ops: (at: Ptr) => this.fill(at, 'bfifo'),
    pfifo_fast_ops: (at: Ptr) => this.fill(at, 'pfifo_fast'),
    mq_qdisc_ops: (at: Ptr) => this.fill(at, 'mq'),
    noqueue_qdisc_ops: (at: Ptr) => this.fill(at, 'noqueue'),
    default_qdisc_ops: (at: Ptr) => this.k.space.storePtr(at, this.k.symbol('pfifo_fast_ops')),
  };

  boot(): void {
    const { k } = this;
    k.native?.onSetUp(NATIVE, () => this.completeFromImage());
    for (const [id, option] of BUILT_IN) {
      if (option !== '' && k.target.config.get(option) !== 'y') continue;
      const symbol = symbolOf(id);
      const ops = k.hasSymbol(symbol) ? k.symbol(symbol) : k.permanent(this.ops.size);
      this.ops.setText(ops, 'id', id);
      this.append(ops);
    }
  }

  /** Native code makes disciplines of the built-in kinds: their operations are the image's, all of them. */
  private completeFromImage(): undefined {
    const { k } = this;
    const link = this.ops.offsetOf('cl_ops');
    for (const symbol of ['noop_qdisc_ops', ...BUILT_IN.map(([id]) => symbolOf(id))]) {
      const bytes = k.hasSymbol(symbol) ? k.native?.initialOf(symbol) : undefined;
      if (!bytes) continue;
      const rest = bytes.subarray(link, this.ops.size);
      k.space.writable(k.symbol(symbol) + link, rest.length).set(rest);
    }
  }

  find(id: string): Ptr | undefined {
    for (const ops of this.registered()) if (this.ops.text(ops, 'id') === id) return ops;
    return undefined;
  }

  /** noop_netdev_queue: the queue of no device. */
  private noopQueue(noop: Ptr): Ptr {
    const type = this.k.struct('netdev_queue');
    const queue = this.k.permanent(type.size);
    type.set(queue, 'qdisc', noop);
    type.set(queue, 'qdisc_sleeping', noop);
    return queue;
  }

  private fill(at: Ptr, id: string): void {
    this.ops.setText(at, 'id', id);
    if (id === 'noop') {
      this.ops.set(at, 'enqueue', this.k.fn('noop_enqueue'));
      this.ops.set(at, 'dequeue', this.k.fn('noop_dequeue'));
      this.ops.set(at, 'peek', this.k.fn('noop_dequeue'));
    }
  }

  private register(ops: Ptr): number {
    if (this.find(this.ops.text(ops, 'id')) !== undefined) return -EEXIST;
    const noop = this.k.symbol('noop_qdisc_ops');
    const dequeues = this.ops.get(ops, 'dequeue') !== 0;
    if (this.ops.get(ops, 'peek') === 0 && dequeues) return -EINVAL;
    for (const field of DEFAULTS)
      if (this.ops.get(ops, field) === 0) this.ops.set(ops, field, this.ops.get(noop, field));
    if (!this.classesComplete(this.ops.get(ops, 'cl_ops'))) return -EINVAL;
    this.append(ops);
    return 0;
  }

  private unregister(ops: Ptr): void {
    const { space } = this.k;
    for (let link = this.base; space.loadPtr(link) !== 0; link = this.ops.addr(space.loadPtr(link), 'next'))
      if (space.loadPtr(link) === ops) {
        space.storePtr(link, this.ops.get(ops, 'next'));
        this.ops.set(ops, 'next', 0);
        return;
      }
    const id = this.ops.text(ops, 'id');
    warn(this.k, `unregister qdisc(${id}) failed`, 'net/sched/sch_api.c', 'unregister_qdisc');
  }

  /** A classful discipline must be able to find, walk and show its classes. */
  private classesComplete(classOps: Ptr): boolean {
    if (classOps === 0) return true;
    const type = this.k.struct('Qdisc_class_ops');
    const has = (field: string): boolean => type.get(classOps, field) !== 0;
    if (!has('find') || !has('walk') || !has('leaf')) return false;
    return !has('tcf_block') || (has('bind_tcf') && has('unbind_tcf'));
  }

  private append(ops: Ptr): void {
    const { space } = this.k;
    let link = this.base;
    while (space.loadPtr(link) !== 0) link = this.ops.addr(space.loadPtr(link), 'next');
    this.k.origins.note(ops);
    this.ops.set(ops, 'next', 0);
    space.storePtr(link, ops);
  }

  private *registered(): Generator<Ptr> {
    const { space } = this.k;
    for (let ops = space.loadPtr(this.base); ops !== 0; ops = this.ops.get(ops, 'next')) yield ops;
  }

  /** &qdisc_base: head of the chain through Qdisc_ops.next. */
  private get base(): Ptr {
    return this.k.symbol('qdisc_base');
  }

  private get ops() {
    return this.k.struct('Qdisc_ops');
  }
}
