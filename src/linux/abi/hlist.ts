import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';

const PPREV = 8;

/** struct hlist_head and hlist_node in guest memory (include/linux/list.h): a list whose head is one pointer. */
export const hlist = {
  /** hlist_add_head() */
  addHead(space: AddressSpace, node: Ptr, head: Ptr): void {
    const first = space.loadPtr(head);
    space.storePtr(node, first);
    space.storePtr(node + PPREV, head);
    if (first !== 0) space.storePtr(first + PPREV, node);
    space.storePtr(head, node);
  },

  /** hlist_del_init(): a node that is in no list stays as it is. */
  delInit(space: AddressSpace, node: Ptr): void {
    const next = space.loadPtr(node);
    const before = space.loadPtr(node + PPREV);
    if (before === 0) return;
    space.storePtr(before, next);
    if (next !== 0) space.storePtr(next + PPREV, before);
    space.storePtr(node, 0);
    space.storePtr(node + PPREV, 0);
  },
};
