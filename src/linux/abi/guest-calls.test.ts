import { beforeAll, describe, expect, it } from 'vitest';
import { PAGE_KERNEL_ROX } from '../../cpu/address-space.js';
import type { Ptr } from '../../cpu/layout.js';
import { type Guest, guest } from '../testing/guest.js';

/** 16 MiB: as a pointer it would be in the kernel image. */
const SIXTEEN_MIB = 0x100_0000;
/** Machine code that returns one of its arguments. */
const RETURN_SECOND = [0x48, 0x89, 0xf0, 0xc3]; // mov rax, rsi; ret
const RETURN_THIRD = [0x48, 0x89, 0xd0, 0xc3]; // mov rax, rdx; ret

let g: Guest;
let page: Ptr;

/** A guest function with that machine code. */
function code(bytes: readonly number[]): Ptr {
  g.k.space.patch(page, Uint8Array.from(bytes));
  return page;
}

beforeAll(() => {
  g = guest();
  page = g.k.moduleMemory.allocate(4096, 'module', PAGE_KERNEL_ROX);
});

describe('a function that a member points to', () => {
  it('gets an unsigned int as that, from 16 MiB on too, and pointers as addresses', () => {
    // int (*reg_read)(void *priv, unsigned int offset, void *val, size_t bytes)
    const nvmem = g.k.struct('nvmem_device');
    const device = g.struct.nvmem_device({ reg_read: code(RETURN_SECOND) });
    const call = (): number => g.run(() => nvmem.call(device, 'reg_read', device, SIXTEEN_MIB, device, 4));
    expect(call()).toBe(SIXTEEN_MIB);
    g.k.struct('nvmem_device').set(device, 'reg_read', code(RETURN_THIRD));
    expect(call()).toBe(Number(BigInt.asIntN(32, g.k.space.toAddress(device))));
  });

  it('gives back what C says: signed 64 bits, pointers, truth, nothing', () => {
    const fops = g.k.struct('file_operations');
    const table = g.struct.file_operations({ llseek: code(RETURN_SECOND) });
    // loff_t (*llseek)(struct file *, loff_t, int)
    expect(g.run(() => fops.call(table, 'llseek', 0, -1, 0))).toBe(-1);
    expect(g.run(() => fops.call(table, 'llseek', 0, 2 ** 40, 0))).toBe(2 ** 40);
    // void *(*start)(struct seq_file *m, loff_t *pos)
    const operations = g.struct.seq_operations({ start: page });
    expect(g.run(() => g.k.struct('seq_operations').call(operations, 'start', 0, table))).toBe(table);
    // void (*stop)(struct seq_file *m, void *v)
    g.k.struct('seq_operations').set(operations, 'stop', page);
    expect(g.run(() => g.k.struct('seq_operations').call(operations, 'stop', 0, table))).toBe(0);
  });

  it('is called without a detour where it is the base kernel’s own', () => {
    const fops = g.k.struct('file_operations');
    const table = g.struct.file_operations();
    fops.bind(
      table,
      'llseek',
      'test_llseek',
      (_file: Ptr, offset: number, whence: number) => offset + whence,
    );
    expect(g.run(() => fops.call(table, 'llseek', 0, 5, 2))).toBe(7);
    expect(g.run(() => g.k.callAs('l:pli', fops.get(table, 'llseek'), 0, 5, 2))).toBe(7);
  });

  it('gets truth as its parameters have it: a boolean for bool, a number for int', () => {
    const seen: unknown[] = [];
    const look = (...args: unknown[]): number => seen.push(...args);
    const fn = g.k.exports.hostFunction('test_truth', 'i:ib', look);
    g.run(() => g.k.callAs('i:ib', fn, true, 1));
    g.run(() => g.k.callAs('i:ib', fn, false, 0));
    expect(seen).toEqual([1, true, 0, false]);
  });

  it('is where a fault is told to be, if it is the base kernel’s own', () => {
    const fn = g.k.exports.hostFunction('test_fault', 'i:p', (at: Ptr) => g.k.space.load32(at));
    const wrong = g.k.exports.hostFunction('test_wrong', 'i:p', () => {
      throw new Error('not so');
    });
    expect(() => g.run(() => g.k.callAs('i:p', fn, 8))).toThrow('NULL pointer');
    expect(g.reports().map(({ kind, at }) => ({ kind, at }))).toEqual([
      { kind: 'null-dereference', at: expect.stringMatching(/^test_fault/) },
    ]);
    expect(() => g.run(() => g.k.callAs('i:p', wrong, 8))).toThrow(
      'internal error in test_wrong: Error: not so',
    );
    expect(g.reports()).toHaveLength(1);
  });

  it('may be named by a typedef of the kernel instead', () => {
    // typedef int (*initcall_t)(void); typedef irqreturn_t (*irq_handler_t)(int, void *)
    expect(g.run(() => g.k.callAs('irq_handler_t', code(RETURN_SECOND), 3, 1))).toBe(1);
  });

  it('is refused with too few arguments, or where there is no function', () => {
    const fops = g.k.struct('file_operations');
    const table = g.struct.file_operations({ llseek: page });
    expect(() => g.run(() => fops.call(table, 'llseek', 0))).toThrow('3 arguments are wanted, 1 given');
    expect(g.reports().map(({ kind }) => kind)).toEqual(['internal']);
    expect(() => fops.signature('owner')).toThrow('file_operations.owner points to no function');
  });
});

describe('an export called as a module calls it', () => {
  it('goes through the gate', () => {
    const mutex = g.struct.mutex();
    g.call.mutex_lock(mutex);
    expect(g.call.mutex_trylock(mutex)).toBe(0);
    g.call.mutex_unlock(mutex);
    expect(g.call.mutex_trylock(mutex)).toBe(1);
    g.call.mutex_unlock(mutex);
    expect(g.reports()).toEqual([]);
  });
});
