import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { EFAULT } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';
import { PageExports } from './pages.js';
import { UserMemory } from './user-memory.js';

/** References by which a pin counts (GUP_PIN_COUNTING_BIAS, include/linux/mm.h). */
const PIN_BIAS = 1024;
/** Of gup_flags: the pages are written to (include/linux/mm.h). */
const FOLL_WRITE = 1;

/** Pages of user memory for drivers that read and write them by themselves (mm/gup.c, Documentation/core-api/pin_user_pages.rst). */
export class UserPages implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    get_user_pages: (start: Ptr, count: number, flags: number, pages: Ptr) =>
      this.take(start, count, flags, pages, 1),
    get_user_pages_unlocked: (start: Ptr, count: number, pages: Ptr, flags: number) =>
      this.take(start, count, flags, pages, 1),
    pin_user_pages: (start: Ptr, count: number, flags: number, pages: Ptr) =>
      this.take(start, count, flags, pages, PIN_BIAS),
    pin_user_pages_unlocked: (start: Ptr, count: number, pages: Ptr, flags: number) =>
      this.take(start, count, flags, pages, PIN_BIAS),
    get_user_pages_fast: (start: Ptr, count: number, flags: number, pages: Ptr) =>
      this.take(start, count, flags, pages, 1),
    get_user_pages_fast_only: (start: Ptr, count: number, flags: number, pages: Ptr) =>
      Math.max(this.take(start, count, flags, pages, 1), 0),
    pin_user_pages_fast: (start: Ptr, count: number, flags: number, pages: Ptr) =>
      this.take(start, count, flags, pages, PIN_BIAS),
    unpin_user_page: (page: Ptr) => this.hold(page, -PIN_BIAS),
    unpin_user_pages: (pages: Ptr, count: number) => this.unpin(pages, count),
    unpin_user_pages_dirty_lock: (pages: Ptr, count: number) => this.unpin(pages, count),
    unpin_user_page_range_dirty_lock: (page: Ptr, count: number) => {
      for (let i = 0; i < count; i++) this.hold(page + i * this.k.sizeOf('page'), -PIN_BIAS);
    },
  };

  readonly signatures = {
    get_user_pages: 'l:pLup',
    get_user_pages_unlocked: 'l:pLpu',
    pin_user_pages: 'l:pLup',
    pin_user_pages_unlocked: 'l:pLpu',
    get_user_pages_fast: 'i:piup',
    get_user_pages_fast_only: 'i:piup',
    pin_user_pages_fast: 'i:piup',
  };

  /** Takes references of the pages that begin at a user address: how many there were before the first fault, or -EFAULT. */
  private take(start: Ptr, count: number, flags: number, pages: Ptr, references: number): number {
    const { k } = this;
    const from = start & ~(PAGE_SIZE - 1);
    const writes = (flags & FOLL_WRITE) !== 0;
    let taken = 0;
    for (; taken < count; taken++) {
      const address = from + taken * PAGE_SIZE;
      if (!this.isMapped(address, writes)) break;
      const page = k.get(PageExports).toPage(address);
      this.hold(page, references);
      if (pages !== 0) k.space.storePtr(pages + taken * 8, page);
    }
    return taken === 0 && count > 0 ? -EFAULT : taken;
  }

  /** The user's own reference is there from the first time on, so that the last of the others frees nothing. */
  private hold(page: Ptr, references: number): void {
    const type = this.k.struct('page');
    const count = Math.max(type.get(page, '_refcount.counter'), 1);
    type.set(page, '_refcount.counter', count + references);
  }

  private unpin(pages: Ptr, count: number): void {
    for (let i = 0; i < count; i++) this.hold(this.k.space.loadPtr(pages + i * 8), -PIN_BIAS);
  }

  private isMapped(address: Ptr, writes: boolean): boolean {
    const { k } = this;
    if (!k.get(UserMemory).accessible(address, PAGE_SIZE)) return false;
    const { user } = k.space;
    return (writes ? user.writable(address, PAGE_SIZE) : user.readable(address, PAGE_SIZE)) === PAGE_SIZE;
  }
}
