import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** Lock-less singly linked lists (include/linux/llist.h): a head and nodes are one pointer each. */
export class Llist implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    llist_add_batch: (first: Ptr, last: Ptr, head: Ptr) => {
      const { space } = this.k;
      const old = space.loadPtr(head);
      space.storePtr(last, old);
      space.storePtr(head, first);
      return old === 0;
    },
    llist_del_first: (head: Ptr) => {
      const { space } = this.k;
      const entry = space.loadPtr(head);
      if (entry !== 0) space.storePtr(head, space.loadPtr(entry));
      return entry;
    },
    llist_reverse_order: (head: Ptr) => {
      const { space } = this.k;
      let reversed: Ptr = 0;
      for (let at = head; at !== 0; ) {
        const next = space.loadPtr(at);
        space.storePtr(at, reversed);
        reversed = at;
        at = next;
      }
      return reversed;
    },
  };
}
