import { PAGE_SHIFT, PAGE_SIZE, type Ptr, type Region } from './layout.js';
import type { Access, PermissionTables } from './permission-tables.js';

/**
 * Pages of the user region. With SMAP (Intel SDM volume 3, 4.6.1) the kernel reaches them only while RFLAGS.AC is set: their
 * entries in the tables of permissions come and go with it. A copy between user and kernel memory that the base kernel makes
 * asks here instead, as if it set the flag and cleared it again.
 */
export class UserPages {
  private readonly rights = new Map<number, Access>();
  private smap = false;
  /** RFLAGS.AC. */
  private flag = false;

  private readonly first: number;
  private readonly end: number;

  constructor(
    private readonly tables: PermissionTables,
    private readonly region: Region,
  ) {
    this.first = region.start >>> PAGE_SHIFT;
    this.end = (region.start + region.size) >>> PAGE_SHIFT;
  }

  /** Whether a page is one of the region. */
  has(page: number): boolean {
    return page >= this.first && page < this.end;
  }

  /** CR4.SMAP. */
  get protected(): boolean {
    return this.smap;
  }

  set protected(value: boolean) {
    if (this.smap === value) return;
    this.smap = value;
    if (!this.flag) this.refresh();
  }

  /** Whether the kernel's own instructions reach user pages now. */
  get open(): boolean {
    return !this.smap || this.flag;
  }

  /** RFLAGS.AC was set or cleared. */
  set accessFlag(value: boolean) {
    if (this.flag === value) return;
    this.flag = value;
    if (this.smap) this.refresh();
  }

  /** Runs what reads or writes user memory as between `stac` and `clac`. */
  within<T>(body: () => T): T {
    const before = this.flag;
    this.accessFlag = true;
    try {
      return body();
    } finally {
      this.accessFlag = before;
    }
  }

  /** What a process may do with a page; undefined: it is not mapped. */
  set(page: number, access: Access | undefined): void {
    if (access) this.rights.set(page, access);
    else this.rights.delete(page);
    this.show(page, access);
  }

  /** Whether a process may read so many bytes; outside of the user region it may nothing. */
  canRead(ptr: Ptr, bytes = 1): boolean {
    const wanted = Math.max(bytes, 1);
    return this.readable(ptr, wanted) === wanted;
  }

  canWrite(ptr: Ptr, bytes = 1): boolean {
    const wanted = Math.max(bytes, 1);
    return this.writable(ptr, wanted) === wanted;
  }

  /** How many of `bytes` bytes from a pointer on a process may read before the first that it may not. */
  readable(ptr: Ptr, bytes: number): number {
    return this.reach(ptr, bytes, ({ read }) => read);
  }

  writable(ptr: Ptr, bytes: number): number {
    return this.reach(ptr, bytes, ({ write }) => write);
  }

  private reach(ptr: Ptr, bytes: number, may: (access: Access) => boolean): number {
    let done = 0;
    while (done < bytes) {
      const at = ptr + done;
      const access = this.rights.get(Math.floor(at / PAGE_SIZE));
      if (!access || !may(access)) break;
      done += PAGE_SIZE - (at % PAGE_SIZE);
    }
    return Math.min(done, bytes);
  }

  private refresh(): void {
    for (const [page, access] of this.rights) this.show(page, access);
  }

  private show(page: number, access: Access | undefined): void {
    if (access && this.open) this.tables.allow(page, this.region.upper, access);
    else this.tables.forbid(page, page + 1);
  }
}
