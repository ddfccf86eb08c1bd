import type { AddressSpace } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';

/** What can be asked of every queue of queue(3): elements are linked by an entry at `offset` in them. */
function* walk(space: AddressSpace, first: Ptr, offset: number): Generator<Ptr> {
  for (let at = first; at !== 0; ) {
    const next = space.loadPtr(at + offset);
    yield at;
    at = next;
  }
}

/** TAILQ (sys/sys/queue.h): head and entries are two pointers each, the second to the pointer that leads to the element. */
export class TailQueue {
  constructor(
    private readonly space: AddressSpace,
    /** Where the TAILQ_ENTRY is in an element. */
    private readonly offset: number,
  ) {}

  init(head: Ptr): void {
    this.space.storePtr(head, 0);
    this.space.storePtr(head + 8, head);
  }

  /** The elements; the one that was given may be removed. */
  elements(head: Ptr): Generator<Ptr> {
    return walk(this.space, this.space.loadPtr(head), this.offset);
  }

  first(head: Ptr): Ptr {
    return this.space.loadPtr(head);
  }

  next(element: Ptr): Ptr {
    return this.space.loadPtr(element + this.offset);
  }

  insertTail(head: Ptr, element: Ptr): void {
    const { space, offset } = this;
    const last = space.loadPtr(head + 8);
    space.storePtr(element + offset, 0);
    space.storePtr(element + offset + 8, last);
    space.storePtr(last, element);
    space.storePtr(head + 8, element + offset);
  }

  insertBefore(element: Ptr, fresh: Ptr): void {
    const { space, offset } = this;
    const before = space.loadPtr(element + offset + 8);
    space.storePtr(fresh + offset, element);
    space.storePtr(fresh + offset + 8, before);
    space.storePtr(before, fresh);
    space.storePtr(element + offset + 8, fresh + offset);
  }

  remove(head: Ptr, element: Ptr): void {
    const { space, offset } = this;
    const next = space.loadPtr(element + offset);
    const before = space.loadPtr(element + offset + 8);
    space.storePtr(next === 0 ? head + 8 : next + offset + 8, before);
    space.storePtr(before, next);
  }
}

/** STAILQ and CK_STAILQ: entries are a pointer to the next one. */
export class SimpleTailQueue {
  constructor(
    private readonly space: AddressSpace,
    private readonly offset: number,
  ) {}

  init(head: Ptr): void {
    this.space.storePtr(head, 0);
    this.space.storePtr(head + 8, head);
  }

  elements(head: Ptr): Generator<Ptr> {
    return walk(this.space, this.space.loadPtr(head), this.offset);
  }

  first(head: Ptr): Ptr {
    return this.space.loadPtr(head);
  }

  insertTail(head: Ptr, element: Ptr): void {
    const { space, offset } = this;
    space.storePtr(element + offset, 0);
    space.storePtr(space.loadPtr(head + 8), element);
    space.storePtr(head + 8, element + offset);
  }

  insertHead(head: Ptr, element: Ptr): void {
    const { space, offset } = this;
    const first = space.loadPtr(head);
    space.storePtr(element + offset, first);
    if (first === 0) space.storePtr(head + 8, element + offset);
    space.storePtr(head, element);
  }

  /** False for one that is not in it. */
  remove(head: Ptr, element: Ptr): boolean {
    const { space, offset } = this;
    for (let at = head; ; at = space.loadPtr(at) + offset) {
      const found = space.loadPtr(at);
      if (found === 0) return false;
      if (found !== element) continue;
      const next = space.loadPtr(element + offset);
      space.storePtr(at, next);
      if (next === 0) space.storePtr(head + 8, at);
      return true;
    }
  }
}

/** LIST and CK_LIST: the head is a pointer, entries know the pointer that leads to them. */
export class LinkedList {
  constructor(
    private readonly space: AddressSpace,
    private readonly offset: number,
  ) {}

  elements(head: Ptr): Generator<Ptr> {
    return walk(this.space, this.space.loadPtr(head), this.offset);
  }

  insertHead(head: Ptr, element: Ptr): void {
    const { space, offset } = this;
    const first = space.loadPtr(head);
    space.storePtr(element + offset, first);
    if (first !== 0) space.storePtr(first + offset + 8, element + offset);
    space.storePtr(head, element);
    space.storePtr(element + offset + 8, head);
  }

  remove(element: Ptr): void {
    const { space, offset } = this;
    const next = space.loadPtr(element + offset);
    const before = space.loadPtr(element + offset + 8);
    if (next !== 0) space.storePtr(next + offset + 8, before);
    space.storePtr(before, next);
  }
}
