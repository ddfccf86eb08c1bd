import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';

const NEXT = 0;
const PREV = 8;
/** What list_del leaves behind (include/linux/poison.h, with x86-64's POISON_POINTER_DELTA). */
const LIST_POISON1 = 0xdead_0000_0000_0100n;
const LIST_POISON2 = 0xdead_0000_0000_0122n;

/** The base kernel was asked to change a list that is corrupt: what CONFIG_DEBUG_LIST's checks stop. */
export class ListFault extends Error {
  override readonly name = 'ListFault';

  constructor(
    readonly entry: Ptr,
    /** Between which it was to be added; undefined where it was to be taken out. */
    readonly place?: { readonly prev: Ptr; readonly next: Ptr },
  ) {
    super('a list in guest memory is corrupt');
  }
}

/** struct list_head in guest memory: circular doubly linked lists (Documentation/core-api/kernel-api.rst). */
export const list = {
  init(space: AddressSpace, head: Ptr): void {
    space.storePtr(head + NEXT, head);
    space.storePtr(head + PREV, head);
  },

  isEmpty(space: AddressSpace, head: Ptr): boolean {
    return space.loadPtr(head + NEXT) === head;
  },

  first(space: AddressSpace, head: Ptr): Ptr {
    return space.loadPtr(head + NEXT);
  },

  add(space: AddressSpace, entry: Ptr, head: Ptr): void {
    insert(space, entry, head, space.loadPtr(head + NEXT));
  },

  addTail(space: AddressSpace, entry: Ptr, head: Ptr): void {
    insert(space, entry, space.loadPtr(head + PREV), head);
  },

  /** list_del: unlinks and poisons. */
  del(space: AddressSpace, entry: Ptr): void {
    unlink(space, entry);
    space.store64(entry + NEXT, LIST_POISON1);
    space.store64(entry + PREV, LIST_POISON2);
  },

  delInit(space: AddressSpace, entry: Ptr): void {
    unlink(space, entry);
    list.init(space, entry);
  },

  /** The entries, safe against removal of the one just given. */
  *entries(space: AddressSpace, head: Ptr): Generator<Ptr> {
    let at = space.loadPtr(head + NEXT);
    while (at !== head) {
      const next = space.loadPtr(at + NEXT);
      yield at;
      at = next;
    }
  },
};

function insert(space: AddressSpace, entry: Ptr, before: Ptr, after: Ptr): void {
  const linked = space.loadPtr(after + PREV) === before && space.loadPtr(before + NEXT) === after;
  if (!linked || entry === before || entry === after)
    throw new ListFault(entry, { prev: before, next: after });
  space.storePtr(after + PREV, entry);
  space.storePtr(entry + NEXT, after);
  space.storePtr(entry + PREV, before);
  space.storePtr(before + NEXT, entry);
}

function unlink(space: AddressSpace, entry: Ptr): void {
  const next = space.loadPtr(entry + NEXT);
  const prev = space.loadPtr(entry + PREV);
  if (next === 0 || prev === 0 || isPoison(space, next) || isPoison(space, prev)) throw new ListFault(entry);
  if (space.loadPtr(prev + NEXT) !== entry || space.loadPtr(next + PREV) !== entry)
    throw new ListFault(entry);
  space.storePtr(next + PREV, prev);
  space.storePtr(prev + NEXT, next);
}

function isPoison(space: AddressSpace, ptr: Ptr): boolean {
  if (ptr < 2 ** 32) return false;
  const address = space.toAddress(ptr);
  return address === LIST_POISON1 || address === LIST_POISON2;
}
