import { beforeEach, describe, expect, it } from 'vitest';
import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import { imageTarget } from '../../testing/targets.js';
import { EBUSY, EFAULT, EINVAL } from '../errno.js';
import { guest } from '../testing/guest.js';

const VM_READ = 0x1;
const VM_SHARED = 0x8;
const VM_MAYWRITE = 0x20;
const VM_PFNMAP = 0x400;
const VM_MIXEDMAP = 0x1000_0000;
const VM_FAULT_SIGBUS = 2;
const VM_FAULT_NOPAGE = 0x100;

const START = 0x10_0000;
/** Physical addresses of no memory, in pages. */
const DEVICE_PFN = 0xf_e000;

const target = await imageTarget();

describe.each([{ with: 'TypeScript alone' }, { with: 'the target’s image' }])(
  'what drivers map into programs, with $with',
  ({ with: what }) => {
    const image = what === 'TypeScript alone' ? undefined : target;
    const machine = guest({}, image);
    const { k, call, struct } = machine;
    const areas = k.struct('vm_area_struct');
    const pages = k.struct('page');
    let vma: Ptr = 0;
    let mm: Ptr = 0;

    const mapping = (size: number, flags: number): Ptr =>
      struct.vm_area_struct({
        vm_start: START,
        vm_end: START + size * PAGE_SIZE,
        vm_flags: flags,
        vm_mm: mm,
      });
    const pfnAt = (page: number): number | undefined => {
      const slot = k.permanent(8);
      return call.follow_pfn(vma, START + page * PAGE_SIZE, slot) === 0 ? k.space.loadU64(slot) : undefined;
    };

    beforeEach(() => {
      mm = struct.mm_struct();
      call.__init_rwsem(k.struct('mm_struct').addr(mm, 'mmap_lock'), 0, 0);
      vma = mapping(4, VM_READ | VM_SHARED);
    });

    it('memory of a device, by the numbers of its pages', () => {
      expect(call.remap_pfn_range(vma, START, DEVICE_PFN, 4 * PAGE_SIZE, 0)).toBe(0);
      expect([0, 3].map(pfnAt)).toEqual([DEVICE_PFN, DEVICE_PFN + 3]);
      expect(areas.get(vma, 'vm_flags') & VM_PFNMAP).toBe(VM_PFNMAP);
      call.zap_vma_ptes(vma, START, PAGE_SIZE);
      expect([0, 1].map(pfnAt)).toEqual([undefined, DEVICE_PFN + 1]);
      expect(machine.reports()).toEqual([]);
    });

    it('not a part of what is private to the program', () => {
      vma = mapping(4, VM_READ | VM_MAYWRITE);
      expect(call.remap_pfn_range(vma, START, DEVICE_PFN, PAGE_SIZE, 0)).toBe(-EINVAL);
      expect(machine.reports()).toEqual([]);
    });

    it('not twice at the same place', () => {
      call.remap_pfn_range(vma, START, DEVICE_PFN, PAGE_SIZE, 0);
      expect(() => call.remap_pfn_range(vma, START, DEVICE_PFN, PAGE_SIZE, 0)).toThrow(/already|not held/);
      machine.reports();
    });

    it('a page, whose references are counted', () => {
      const page = call.alloc_pages(0, 0);
      areas.set(vma, 'vm_flags', VM_READ | VM_SHARED | VM_MIXEDMAP);
      expect(call.vm_insert_page(vma, START, page)).toBe(0);
      expect(pages.get(page, '_refcount.counter')).toBe(2);
      expect(pages.get(page, '_mapcount.counter')).toBe(0);
      expect(call.vm_insert_page(vma, START, page)).toBe(-EBUSY);
      expect(call.vm_insert_page(vma, START + 4 * PAGE_SIZE, page)).toBe(-EFAULT);
      expect(machine.reports()).toEqual([]);
    });

    it('the first page only under the lock of the address space', () => {
      const page = call.alloc_pages(0, 0);
      const lock = k.struct('mm_struct').addr(mm, 'mmap_lock');
      call.down_write(lock);
      expect(call.vm_insert_page(vma, START, page)).toBe(0);
      call.up_write(lock);
      expect(call.vm_insert_page(vma, START + PAGE_SIZE, page)).toBe(0);
      expect(machine.reports()).toEqual([]);
      vma = mapping(4, VM_READ | VM_SHARED);
      expect(() => call.vm_insert_page(vma, START, page)).toThrow(/already|not held/);
      machine.reports();
    });

    it('what a fault asks for, once', () => {
      areas.set(vma, 'vm_flags', VM_READ | VM_SHARED | VM_PFNMAP);
      for (let i = 0; i < 2; i++)
        expect(call.vmf_insert_pfn(vma, START + 10, DEVICE_PFN)).toBe(VM_FAULT_NOPAGE);
      expect(pfnAt(0)).toBe(DEVICE_PFN);
      expect(call.vmf_insert_pfn(vma, START - PAGE_SIZE, DEVICE_PFN)).toBe(VM_FAULT_SIGBUS);
      expect(machine.reports()).toEqual([]);
    });

    it('memory of vmalloc_user(), no more than there is, and no other', () => {
      areas.set(vma, 'vm_flags', VM_READ | VM_SHARED | VM_MIXEDMAP);
      const memory = call.vmalloc_user(4 * PAGE_SIZE);
      expect(call.remap_vmalloc_range(vma, memory, 1)).toBe(-EINVAL);
      expect(call.remap_vmalloc_range(vma, memory, 0)).toBe(0);
      const plain = call.vmalloc(4 * PAGE_SIZE);
      expect(call.remap_vmalloc_range(vma, plain, 0)).toBe(-EINVAL);
      expect(machine.reports()).toEqual([]);
    });

    it.skipIf(image === undefined)('over what the target has: ranges of a device, arrays of pages', () => {
      expect(call.vm_iomap_memory(vma, DEVICE_PFN * PAGE_SIZE, 4 * PAGE_SIZE)).toBe(0);
      expect(pfnAt(3)).toBe(DEVICE_PFN + 3);
      vma = mapping(2, VM_READ | VM_SHARED | VM_MIXEDMAP);
      mm = struct.mm_struct();
      areas.set(vma, 'vm_mm', mm);
      const array = k.permanent(16);
      for (const at of [0, 8]) k.space.storePtr(array + at, call.alloc_pages(0, 0));
      expect(call.vm_map_pages(vma, array, 2)).toBe(0);
      expect(pages.get(k.space.loadPtr(array), '_refcount.counter')).toBe(2);
      expect(machine.reports()).toEqual([]);
    });
  },
);
