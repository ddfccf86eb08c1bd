import { describe, expect, it } from 'vitest';
import { list } from '../abi/list.js';
import { guest } from '../testing/guest.js';

describe('pages in bulk', () => {
  const { k, call } = guest();
  const GFP_ATOMIC = 0xa20;
  const slots = k.permanent(4 * 8);
  const slot = (i: number): number => k.space.loadPtr(slots + 8 * i);

  it('fill the empty slots of an array, and leave the others', () => {
    const own = call.alloc_pages!(GFP_ATOMIC, 0);
    k.space.storePtr(slots + 8, own);
    expect(call.__alloc_pages_bulk!(GFP_ATOMIC, 0, 0, 4, 0, slots)).toBe(4);
    expect(slot(1)).toBe(own);
    const pages = [0, 1, 2, 3].map(slot);
    expect(new Set(pages).size).toBe(4);
    for (const page of pages) expect(k.struct('page').get(page, '_refcount.counter')).toBe(1);
    for (const page of pages) call.__free_pages!(page, 0);
  });

  it('go to the end of a list', () => {
    const head = k.permanent(16);
    list.init(k.space, head);
    expect(call.__alloc_pages_bulk!(GFP_ATOMIC, 0, 0, 3, head, 0)).toBe(3);
    const pages = [...list.entries(k.space, head)].map((at) => k.struct('page').of(at, 'lru'));
    expect(new Set(pages).size).toBe(3);
    for (const page of pages) call.__free_pages!(page, 0);
  });
});
