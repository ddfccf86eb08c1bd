import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';

/** Distance between the two pointers of a struct list_head: next, then prev (include/linux/types.h). */
const PREV = 8;

/** INIT_LIST_HEAD(). */
export function initList(space: AddressSpace, head: Ptr): void {
  space.storePtr(head, head);
  space.storePtr(head + PREV, head);
}

function insert(space: AddressSpace, node: Ptr, before: Ptr, after: Ptr): void {
  space.storePtr(after + PREV, node);
  space.storePtr(node, after);
  space.storePtr(node + PREV, before);
  space.storePtr(before, node);
}

/** list_add(): directly behind the head. */
export function listAdd(space: AddressSpace, node: Ptr, head: Ptr): void {
  insert(space, node, head, space.loadPtr(head));
}

/** list_add_tail(): before the head, so last. */
export function listAddTail(space: AddressSpace, node: Ptr, head: Ptr): void {
  insert(space, node, space.loadPtr(head + PREV), head);
}

/** list_del_init(): takes a node out and leaves it an empty list of its own. */
export function listDelInit(space: AddressSpace, node: Ptr): void {
  const next = space.loadPtr(node);
  const prev = space.loadPtr(node + PREV);
  if (next !== 0 && prev !== 0) {
    space.storePtr(next + PREV, prev);
    space.storePtr(prev, next);
  }
  initList(space, node);
}

export function listEmpty(space: AddressSpace, head: Ptr): boolean {
  return space.loadPtr(head) === head;
}

/** The nodes of a list as they are now; the list may change while they are gone through. */
export function listNodes(space: AddressSpace, head: Ptr): Ptr[] {
  const nodes: Ptr[] = [];
  for (let at = space.loadPtr(head); at !== head && at !== 0; at = space.loadPtr(at)) nodes.push(at);
  return nodes;
}
