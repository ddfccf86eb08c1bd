import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { GuestList } from '../../abi/guest-list.js';
import { EEXIST, EINVAL } from '../../errno.js';
import type { LinuxKernel } from '../../kernel.js';
import { Rcu } from '../../locking/rcu.js';
import { Workqueues } from '../../sched/workqueue.js';
import type { Subsystem } from '../../subsystem.js';
import { warn } from '../../warn.js';

/** The kinds of packet classifiers and of the extended matches in them (net/sched/cls_api.c, ematch.c). */
export class Classifiers implements Subsystem {
  static readonly builtIn = 'CONFIG_NET_CLS';

  readonly keeps = ['tcf_proto_base', 'ematch_ops', 'tc_filter_wq'];
  private readonly kinds: GuestList;
  private readonly matches: GuestList;
  private filterQueue: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {
    this.kinds = new GuestList(k, 'tcf_proto_ops', 'head', 'tcf_proto_base', {
      kind: 'packet classifier',
      name: 'kind',
    });
    this.matches = new GuestList(k, 'tcf_ematch_ops', 'link', 'ematch_ops', {
      kind: 'extended match',
      uses: ['match'],
    });
  }

  readonly exports = {
    register_tcf_proto_ops: (ops: Ptr) => this.register(ops),
    unregister_tcf_proto_ops: (ops: Ptr) => this.unregister(ops),
    tcf_em_register: (ops: Ptr) => this.registerMatch(ops),
    tcf_em_unregister: (ops: Ptr) => this.matches.del(ops),
    tcf_queue_work: (work: Ptr, fn: Ptr) => this.queue(work, fn),
  };

  boot(): void {
    const { k } = this;
    this.filterQueue = k.get(Workqueues).create('tc_filter_workqueue');
    k.space.storePtr(k.variable('tc_filter_wq', 8), this.filterQueue);
  }

  private register(ops: Ptr): number {
    const type = this.k.struct('tcf_proto_ops');
    const kind = type.text(ops, 'kind');
    if (this.kinds.find((known) => type.text(known, 'kind') === kind) !== undefined) return -EEXIST;
    this.kinds.addTail(ops);
    return 0;
  }

  /** Waits for filters of the kind that are still being destroyed. */
  private *unregister(ops: Ptr): Sleepable<void> {
    const { k } = this;
    yield* k.get(Rcu).barrier();
    yield* k.wait(k.get(Workqueues).exports.__flush_workqueue(this.filterQueue));
    if (this.kinds.has(ops)) {
      this.kinds.del(ops);
      return;
    }
    const kind = k.struct('tcf_proto_ops').text(ops, 'kind');
    warn(k, `unregister tc filter kind(${kind}) failed`, 'net/sched/cls_api.c', 'unregister_tcf_proto_ops');
  }

  private registerMatch(ops: Ptr): number {
    const type = this.k.struct('tcf_ematch_ops');
    if (type.get(ops, 'match') === 0) return -EINVAL;
    const kind = type.get(ops, 'kind');
    if (this.matches.find((known) => type.get(known, 'kind') === kind) !== undefined) return -EEXIST;
    this.matches.addTail(ops);
    return 0;
  }

  private queue(rcuWork: Ptr, fn: Ptr): boolean {
    const { k } = this;
    const work = k.struct('rcu_work').addr(rcuWork, 'work');
    const type = k.struct('work_struct');
    k.space.writable(work, type.size).fill(0);
    const entry = type.addr(work, 'entry');
    k.space.storePtr(entry, entry);
    k.space.storePtr(entry + 8, entry);
    type.set(work, 'func', fn);
    return k.get(Workqueues).queueWork(this.filterQueue, work);
  }
}
