import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { partly } from '../../kernel/abi/fidelity.js';
import type { Sleepable } from '../../kernel/effects.js';
import type { Holding } from '../../kernel/modules/holding.js';
import { EINVAL } from '../errno.js';
import { Locks } from '../kern/locks.js';
import { Panic } from '../kern/panic.js';
import { RwLocks } from '../kern/rwlock.js';
import { Uio } from '../kern/uio.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

interface VmObject {
  /** Pages that were written, by their index. */
  readonly pages: Map<number, Page>;
}

interface Page {
  readonly memory: Ptr;
  /** struct vm_page, made when somebody asks for it. */
  guest: Ptr;
  /** Its number among the pages of the machine. */
  readonly frame: number;
}

/** Every part of the page is valid (VM_PAGE_BITS_ALL with pages of 4 KiB). */
export const ALL_VALID = 0xff;
const ENTRIES = 32;
/** The first MiB is nobody's. */
const FIRST_FRAME = 256;

/** Objects of memory that are backed by nothing but memory: those of files in memory (sys/vm/vm_object.c, vm_pager.c, swap_pager.c). */
export class VmObjects implements Subsystem {
  private readonly objects = new Map<Ptr, VmObject>();
  private readonly dynamic = new Map<number, Ptr>();
  private readonly frames = new Map<number, Page>();
  private nextFrame = FIRST_FRAME;

  constructor(private readonly k: FreebsdKernel) {
    k.variable('pagertab', 8 * ENTRIES);
  }

  readonly exports = {
    vm_pager_alloc_dyn_type: (operations: Ptr, base: number) => this.addType(operations, base),
    vm_pager_free_dyn_type: (type: number) => {
      this.dynamic.delete(type);
      this.k.space.storePtr(this.entry(type), 0);
    },
    vm_object_allocate_dyn: (type: number, size: number, flags: number) => this.make(type, size, flags),
    vm_pager_allocate: (type: number, handle: Ptr, size: number, prot: number, offset: number, cred: Ptr) =>
      this.allocate(type, [handle, size, prot, offset, cred]),
    swap_pager_init_object: (object: Ptr) => Number(this.objects.has(object)),
    swap_pager_freespace: () => {},
    vm_object_reference: (object: Ptr) => this.count(object, 1),
    vm_object_deallocate: (object: Ptr) => {
      if (object !== 0 && this.count(object, -1) === 0) this.destroy(object);
    },
    vm_object_page_remove: (object: Ptr, start: number, end: number) => this.remove(object, start, end),
    vm_object_pip_add: () => {},
    vm_object_pip_wakeup: () => {},
    vm_object_clear_flag: (object: Ptr, flags: number) =>
      this.type.set(object, 'flags', this.type.get(object, 'flags') & ~flags),
    vm_page_lookup: (object: Ptr, index: number) => this.guestPage(object, index),
    vm_page_grab: (object: Ptr, index: number, flags: number) => this.grab(object, index, flags),
    vm_page_set_dirty: () => false,
    vm_page_launder: () => {},
    vm_page_xunbusy_hard: (page: Ptr) =>
      this.k.struct('vm_page').set(page, 'busy_lock', this.k.macro('VPB_UNBUSIED')),
    pmap_zero_page_area: (page: Ptr, offset: number, bytes: number) => this.zero(page, offset, bytes),
    uiomove_object: partly(
      'pages of files in memory are not counted',
      (object: Ptr, size: number, uio: Ptr) => this.move(object, size, uio),
    ),
    vm_free_count: () => Math.floor((this.k.budget.limit - this.k.ledger.bytes) / PAGE_SIZE),
  };

  readonly data = {
    pagertab: () => {},
    swap_pager_avail: () => {},
  };

  private get type() {
    return this.k.struct('vm_object');
  }

  private entry(type: number): Ptr {
    return this.k.variable('pagertab') + 8 * type;
  }

  /** A pager of a module's own, which stands on the swap pager: -1 where there is no room for another. */
  private addType(operations: Ptr, base: number): number {
    const { k } = this;
    if (base !== k.enumValue('OBJT_SWAP'))
      throw new Panic(`a pager of type ${base} as a base is not implemented`, 'unimplemented-export');
    for (let type = k.enumValue('OBJT_FIRST_DYN'); type < ENTRIES; type++) {
      if (this.dynamic.has(type)) continue;
      this.dynamic.set(type, operations);
      k.space.storePtr(this.entry(type), operations);
      const table = k.struct('pagerops');
      // Nothing is ever paged out.
      if (table.get(operations, 'pgo_haspage') === 0)
        table.bind(operations, 'pgo_haspage', 'swap_pager_haspage', () => 0);
      return type;
    }
    return -1;
  }

  private make(type: number, size: number, flags: number): Ptr {
    const { k } = this;
    const object = k.slab.allocateBytes(this.type.size, true);
    k.get(RwLocks).init(this.type.addr(object, 'lock'), k.constantString('vm object'), k.macro('RW_NEW'));
    this.type.set(object, 'type', type);
    this.type.set(object, 'size', size);
    this.type.set(object, 'flags', flags);
    this.type.set(object, 'ref_count', 1);
    this.objects.set(object, { pages: new Map() });
    k.origins.note(object);
    return object;
  }

  private *allocate(type: number, args: readonly number[]): Sleepable<Ptr> {
    const { k } = this;
    const operations = this.dynamic.get(type);
    if (operations !== undefined) return yield* k.struct('pagerops').call(operations, 'pgo_alloc', ...args);
    if (type === k.enumValue('OBJT_SWAP')) return this.make(type, Math.ceil(args[1] / PAGE_SIZE), 0);
    throw new Panic(`vm_pager_allocate of type ${type} is not implemented`, 'unimplemented-export');
  }

  private at(object: Ptr): VmObject {
    const found = this.objects.get(object);
    if (found) return found;
    throw new Panic(
      `0x${this.k.space.toAddress(object).toString(16)} is no VM object`,
      'use-after-free',
      object,
    );
  }

  private count(object: Ptr, change: number): number {
    this.at(object);
    const refs = this.type.get(object, 'ref_count') + change;
    this.type.set(object, 'ref_count', refs);
    return refs;
  }

  private destroy(object: Ptr): void {
    const { k } = this;
    this.remove(object, 0, 0);
    this.objects.delete(object);
    k.origins.forget(object);
    k.get(Locks).forgetIn(object, this.type.size);
    k.slab.free(object);
  }

  /** Pages from `start` to before `end`; all where that is 0. */
  private remove(object: Ptr, start: number, end: number): void {
    const { pages } = this.at(object);
    for (const [index, page] of pages) {
      if (index < start || (end !== 0 && index >= end)) continue;
      pages.delete(index);
      this.frames.delete(page.frame);
      this.k.slab.free(page.memory);
      if (page.guest !== 0) this.k.slab.free(page.guest);
    }
  }

  private page(object: Ptr, index: number): Page {
    const { pages } = this.at(object);
    const known = pages.get(index);
    if (known) return known;
    const frame = this.nextFrame++;
    const made: Page = { memory: this.k.slab.allocateBytes(PAGE_SIZE, true), guest: 0, frame };
    this.frames.set(frame, made);
    this.k.space.writable(made.memory, PAGE_SIZE).fill(0);
    pages.set(index, made);
    return made;
  }

  private guestPage(object: Ptr, index: number): Ptr {
    const page = this.at(object).pages.get(index);
    if (!page) return 0;
    if (page.guest !== 0) return page.guest;
    const type = this.k.struct('vm_page');
    page.guest = this.k.slab.allocateBytes(type.size, true);
    type.set(page.guest, 'object', object);
    type.set(page.guest, 'pindex', index);
    type.set(page.guest, 'busy_lock', this.k.macro('VPB_UNBUSIED'));
    type.set(page.guest, 'valid', ALL_VALID);
    type.set(page.guest, 'phys_addr', page.frame * PAGE_SIZE);
    return page.guest;
  }

  /** Memory at a physical address: undefined where no page of an object is. */
  memoryAt(physical: number): Ptr | undefined {
    const page = this.frames.get(Math.floor(physical / PAGE_SIZE));
    return page && page.memory + (physical % PAGE_SIZE);
  }

  /** Gives up a page of an object. */
  freePage(guest: Ptr): void {
    const type = this.k.struct('vm_page');
    const index = type.get(guest, 'pindex');
    this.remove(type.get(guest, 'object'), index, index + 1);
  }

  /** A page of an object, made where there is none: struct vm_page. */
  grab(object: Ptr, index: number, flags: number): Ptr {
    if ((flags & this.k.macro('VM_ALLOC_NOCREAT')) === 0) this.page(object, index);
    return this.guestPage(object, index);
  }

  zero(guest: Ptr, offset: number, bytes: number): void {
    const type = this.k.struct('vm_page');
    const page = this.page(type.get(guest, 'object'), type.get(guest, 'pindex'));
    this.k.space.writable(page.memory + offset, bytes).fill(0);
  }

  /** uiomove_object(): up to the object's end. What was never written reads as zeroes. */
  private *move(object: Ptr, size: number, uio: Ptr): Sleepable<number> {
    const type = this.k.struct('uio');
    const offset = type.get(uio, 'uio_offset');
    if (offset < 0) return EINVAL;
    for (;;) {
      const at = type.get(uio, 'uio_offset');
      const left = Math.min(size - at, type.get(uio, 'uio_resid'));
      if (left <= 0) return 0;
      const within = at % PAGE_SIZE;
      const page = this.page(object, Math.floor(at / PAGE_SIZE));
      const count = Math.min(left, PAGE_SIZE - within);
      const error = yield* this.k.get(Uio).move(page.memory + within, count, uio);
      if (error !== 0) return error;
    }
  }

  *holds(): Generator<Holding> {
    for (const object of this.objects.keys())
      yield { kind: 'VM object', at: object, by: this.k.origins.of(object), name: () => '' };
  }
}
