import { list } from '../../abi/list.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';
import { SkbQueues } from './skb-queue.js';

const SOFTNET = 'softnet_data';

/**
 * What waits for a processor's softirqs (struct softnet_data, net/core/dev.c). TypeScript's packets and contexts wait with its softirqs
 * (../../softirq-queue.ts), so that these queues are there, and empty.
 */
export class SoftnetData implements Subsystem {
  readonly keeps = [SOFTNET];

  constructor(private readonly k: LinuxKernel) {}

  /** As net_dev_init() leaves it. */
  boot(): void {
    const { k } = this;
    if (!k.hasSymbol(SOFTNET)) return;
    const at = k.percpuSymbol(SOFTNET);
    const type = k.struct(SOFTNET);
    list.init(k.space, type.addr(at, 'poll_list'));
    for (const queue of ['input_pkt_queue', 'process_queue', 'xfrm_backlog'])
      if (type.has(queue)) k.get(SkbQueues).init(type.addr(at, queue));
    type.set(at, 'output_queue_tailp', type.addr(at, 'output_queue'));
  }
}
