import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { type Guest, guest } from '../testing/guest.js';
import { PageExports } from './pages.js';
import { UserMemory } from './user-memory.js';

const EFAULT = 14;
const FOLL_WRITE = 1;

describe('pages of user memory', () => {
  let g: Guest;
  let pages: Ptr;
  const references = (i: number): number =>
    g.k.struct('page').get(g.k.space.loadPtr(pages + 8 * i), '_refcount.counter');

  beforeAll(() => {
    g = guest();
    pages = g.k.permanent(64);
  });

  it('are given with a reference each, up to where nothing is mapped', () => {
    const buffer = g.k.get(UserMemory).allocate(8192, 4096);
    expect(g.call.get_user_pages_fast(buffer, 4, FOLL_WRITE, pages)).toBe(2);
    expect(g.k.get(PageExports).addressOf(g.k.space.loadPtr(pages + 8))).toBe(buffer + 4096);
    expect(references(0)).toBe(2);
    g.k.get(UserMemory).free(buffer);
    expect(g.call.get_user_pages_fast(buffer, 1, 0, pages)).toBe(-EFAULT);
  });

  it('that are pinned and unpinned are as before', () => {
    const buffer = g.k.get(UserMemory).allocate(4096, 4096);
    expect(g.call.pin_user_pages_fast(buffer, 1, FOLL_WRITE, pages)).toBe(1);
    const pinned = references(0);
    g.call.unpin_user_pages_dirty_lock(pages, 1, 1);
    expect(pinned - references(0)).toBe(1024);
    expect(g.reports()).toEqual([]);
  });

  it('are not the kernel’s', () => {
    const kernel = g.k.slab.allocateBytes(4096, true);
    expect(g.call.get_user_pages_fast(kernel, 1, 0, pages)).toBe(-EFAULT);
  });
});
