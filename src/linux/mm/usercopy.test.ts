import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { loadBundled } from '../../target/node/index.js';
import { LinuxKernel } from '../kernel.js';
import { PageExports } from './pages.js';
import { SlabExports } from './slab.js';
import { Usercopy } from './usercopy.js';

const GFP_COMP = 0x4_0000;
let k: LinuxKernel;

const check = (ptr: Ptr, count: number, toUser = true): void =>
  k.get(Usercopy).exports.__check_object_size(ptr, count, toUser);
/** What the report of a refused copy says; undefined: it may be made. */
const refused = (ptr: Ptr, count: number): string | undefined => {
  try {
    check(ptr, count);
    return undefined;
  } catch (error) {
    return (error as { reason?: string }).reason?.replace(/^usercopy: Kernel memory exposure attempt /, '');
  }
};

beforeAll(() => {
  k = new LinuxKernel(loadBundled());
});

describe('a copy to user memory', () => {
  it('may be of all of a kmalloc object, which is larger than what was asked for, and of no more', () => {
    const object = k.slab.allocateBytes(60, true);
    expect(refused(object, 64)).toBeUndefined();
    expect(refused(object + 32, 33)).toBe("detected from SLUB object 'kmalloc-64' (offset 32, size 33)!");
  });

  it('may be of what a cache lists, and of nothing where it lists nothing', () => {
    const { exports } = k.get(SlabExports);
    const name = k.constantString('records');
    const objectOf = (cache: Ptr): Ptr => {
      const object = exports.kmem_cache_alloc(cache, 0);
      if (typeof object !== 'number') throw new Error('there is no constructor to wait for');
      return object;
    };
    const plain = objectOf(exports.kmem_cache_create(name, 64, 0, 0, 0));
    const listed = objectOf(exports.kmem_cache_create_usercopy(name, 64, 0, 0, 16, 32, 0));
    expect(refused(plain, 1)).toBe("detected from SLUB object 'records' (offset 0, size 1)!");
    expect(refused(listed + 16, 32)).toBeUndefined();
    expect(refused(listed + 17, 32)).toContain('(offset 17, size 32)');
  });

  it('may be of pages side by side, but not go beyond those that are one object', () => {
    const { exports } = k.get(PageExports);
    const pages = k.get(PageExports);
    const single = pages.addressOf(exports.alloc_pages(0, 0));
    const whole = pages.addressOf(exports.alloc_pages(GFP_COMP, 1));
    expect(refused(single + 4000, 200)).toBeUndefined();
    expect(refused(whole + 4096, 4096)).toBeUndefined();
    expect(refused(whole + 4096, 4097)).toBe('detected from page alloc (offset 4096, size 4097)!');
  });

  it('may be of a vmalloc area with its guard page, where it ends by itself', () => {
    const area = k.areas.allocate(5000, 'vmalloc');
    expect(refused(area + 8000, 1000)).toBeUndefined();
    expect(refused(area + 8000, 5000)).toBe('detected from vmalloc (offset 8000, size 5000)!');
    expect(refused(area + 0x100_0000, 1)).toBe("detected from vmalloc 'no area' (offset 0, size 1)!");
  });

  it('is of memory: not of NULL, round the end of addresses, or of kernel text', () => {
    expect(refused(0, 8)).toBe('detected from null address (offset 0, size 8)!');
    expect(refused(k.space.fromAddress(-16n), 64)).toBe('detected from wrapped address (offset 0, size 48)!');
    expect(refused(k.symbol('_stext') + 5, 8)).toBe('detected from kernel text (offset 5, size 8)!');
  });

  it('of no bytes is never wrong, nor any where hardened_usercopy=off', () => {
    expect(refused(0, 0)).toBeUndefined();
    const relaxed = new LinuxKernel(loadBundled(), { cmdline: 'hardened_usercopy=off' });
    expect(() => relaxed.get(Usercopy).exports.__check_object_size(0, 8, true)).not.toThrow();
  });
});
