import type { Ptr } from '../../../cpu/layout.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

const NET_XMIT_CN = 2;

/** The discipline of devices that are not up: it drops what it is given (net/sched/sch_generic.c). */
export class NoopDiscipline implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    noop_enqueue: (skb: Ptr, _qdisc: Ptr, toFree: Ptr) => {
      const { k } = this;
      k.struct('sk_buff').set(skb, 'next', k.space.loadPtr(toFree));
      k.space.storePtr(toFree, skb);
      return NET_XMIT_CN;
    },
    noop_dequeue: constant(0),
  };
}
