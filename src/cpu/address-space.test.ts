import { describe, expect, it } from 'vitest';
import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_RO } from './address-space.js';
import { GuestFault } from './fault.js';
import { DIRECT_MAP_UPPER, MODULES, PAGE_OFFSET, RAM, REGIONS, USER } from './layout.js';

describe('AddressSpace', () => {
  it('converts between pointers and addresses in every region, both ways', () => {
    const space = new AddressSpace();
    for (const region of REGIONS)
      for (const ptr of [region.start, region.start + 0x1234, region.start + region.size - 1]) {
        const address = space.toAddress(ptr);
        expect(Number(address >> 32n)).toBe(region.upper);
        expect(space.fromAddress(address)).toBe(ptr);
      }
    expect(space.toAddress(MODULES.start)).toBe(0xffff_ffff_c000_0000n);
    expect(space.toAddress(USER.start) >> 47n).toBe(0n);
  });

  it('keeps NULL, small values and error pointers as small numbers', () => {
    const space = new AddressSpace();
    expect(space.fromAddress(0n)).toBe(0);
    expect(space.fromAddress(0x2b000n)).toBe(0x2b000);
    expect(space.fromAddress(0xffff_ffff_ffff_ffean)).toBe(0x8000_0000 - 22);
    expect(space.toAddress(0x8000_0000 - 22)).toBe(0xffff_ffff_ffff_ffean);
  });

  it('carries addresses of no region through without loss', () => {
    const space = new AddressSpace();
    for (const wild of [0xdead_0000_0000_0100n, 0x6b6b_6b6b_6b6b_6b6bn, 0x8000_0000n, 0x7fff_0000_0000n]) {
      const ptr = space.fromAddress(wild);
      expect(ptr).toBeGreaterThanOrEqual(2 ** 32);
      expect(space.toAddress(ptr)).toBe(wild);
      expect(() => space.load8(ptr)).toThrow(GuestFault);
    }
  });

  it('takes a direct-map alias for the page itself: linear offsets are physical addresses', () => {
    const space = new AddressSpace();
    expect(space.fromAddress(PAGE_OFFSET + BigInt(MODULES.start))).toBe(MODULES.start);
    expect(space.fromHalves(0x9000_0000, DIRECT_MAP_UPPER)).toBe(RAM.start);
  });

  it('faults on what is not mapped, and on writes to what is read-only', () => {
    const space = new AddressSpace();
    space.map(RAM.start, 4096, PAGE_KERNEL_RO);
    expect(space.load8(RAM.start)).toBe(0);
    expect(() => space.store8(RAM.start, 1)).toThrow(/guest write of 1 bytes/);
    expect(() => space.load32(RAM.start + 4096)).toThrow(GuestFault);
    expect(() => space.load64(RAM.start + 4092)).toThrow(GuestFault);
    expect(() => space.load8(0x18)).toThrow(/0x18/);
  });

  it('stores pointers and longs so that machine code reads them', () => {
    const space = new AddressSpace();
    space.map(RAM.start, 4096, PAGE_KERNEL);
    space.storePtr(RAM.start, MODULES.start + 0x10);
    expect(space.load64(RAM.start)).toBe(0xffff_ffff_c000_0010n);
    space.storeLong(RAM.start, -5);
    expect(space.load64(RAM.start)).toBe(0xffff_ffff_ffff_fffbn);
    expect(space.loadS64(RAM.start)).toBe(-5);
  });

  it('gives scrubbed pages when an address is mapped again', () => {
    const space = new AddressSpace();
    space.map(RAM.start, 4096, PAGE_KERNEL);
    space.store32(RAM.start, 7);
    space.unmap(RAM.start, 4096);
    space.map(RAM.start, 4096, PAGE_KERNEL);
    expect(space.load32(RAM.start)).toBe(0);
  });

  it('gives its memory back as new', () => {
    const space = new AddressSpace();
    space.map(RAM.start, 4 * 4096, PAGE_KERNEL);
    space.store8(RAM.start + 4095, 1);
    space.store64(RAM.start + 3 * 4096, 2n);
    space.protect(RAM.start, 4096, PAGE_KERNEL_RO);
    space.unmap(RAM.start + 4096, 3 * 4096, false);
    const memory = space.release();
    const next = new AddressSpace(memory);
    expect(next.memory).toBe(space.memory);
    expect(next.canRead(RAM.start)).toBe(false);
    expect(() => next.load8(RAM.start + 4095)).toThrow(GuestFault);
    next.map(RAM.start, 4 * 4096, PAGE_KERNEL);
    expect(next.readable(RAM.start, 4 * 4096).every((byte) => byte === 0)).toBe(true);
    expect(() => space.map(RAM.start, 4096, PAGE_KERNEL)).toThrow('was released');
    expect(() => space.release()).toThrow('was released before');
  });
});
