import { describe, expect, it } from 'vitest';
import { EFAULT } from '../errno.js';
import { UserMemory } from '../mm/user-memory.js';
import { guest } from '../testing/guest.js';
import { Slice } from './slice.js';

const { k } = guest();
const user = k.get(UserMemory);

describe('a transfer to user memory', () => {
  it('stops at the first byte that cannot be written, and moves the position by what was', () => {
    const buffer = user.allocate(100);
    const slice = new Slice(k, buffer, 200, 5, 'user');
    expect(slice.put(new Uint8Array(200).fill(7))).toBe(100);
    expect(slice.position).toBe(105);
    expect(user.copyFrom(buffer, 100)).toEqual(new Uint8Array(100).fill(7));
  });

  it('is a fault where no byte can be written, not where there is none', () => {
    const behind = user.allocate(1) + 1;
    const slice = new Slice(k, behind, 8, 0, 'user');
    expect(slice.put(new Uint8Array(8))).toBe(-EFAULT);
    expect(slice.put(new Uint8Array())).toBe(0);
    expect(slice.position).toBe(0);
  });

  it('refuses kernel memory', () => {
    const slice = new Slice(k, k.permanent(8), 8, 0, 'user');
    expect(slice.put(new Uint8Array(8))).toBe(-EFAULT);
    expect(slice.take()).toBeUndefined();
  });
});

describe('a transfer from memory', () => {
  it('takes all or nothing of a user’s', () => {
    const buffer = user.store(Uint8Array.of(1, 2, 3));
    expect(new Slice(k, buffer, 3, 0, 'user').take()).toEqual(Uint8Array.of(1, 2, 3));
    expect(new Slice(k, buffer, 4, 0, 'user').take()).toBeUndefined();
  });

  it('takes a copy of kernel memory for kernel code', () => {
    const buffer = k.permanent(8);
    k.space.writable(buffer, 8).fill(9);
    const taken = new Slice(k, buffer, 8, 0, 'kernel').take();
    k.space.writable(buffer, 8).fill(0);
    expect(taken).toEqual(new Uint8Array(8).fill(9));
  });
});
