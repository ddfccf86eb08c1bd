import { describe, expect, it } from 'vitest';
import { AddressSpace, PAGE_KERNEL, PAGE_KERNEL_RO } from './address-space.js';
import { GuestFault } from './fault.js';
import { GRANULE, region, TOP } from './layout.js';
import { checkMap } from './memory-map.js';
import { CODE_REGION, RAM, TEST_MAP, USER } from './testing/memory-map.js';

describe('AddressSpace', () => {
  it('converts between pointers and addresses in every region, both ways', () => {
    const space = new AddressSpace(TEST_MAP);
    for (const region of [...TEST_MAP.regions, TOP])
      for (const ptr of [region.start, region.start + 0x1234, region.start + region.size - 1]) {
        const address = space.toAddress(ptr);
        expect(Number(address >> 32n)).toBe(region.upper);
        expect(space.fromAddress(address)).toBe(ptr);
      }
    expect(space.toAddress(CODE_REGION.start)).toBe(0xffff_ffff_c000_0000n);
    expect(space.toAddress(USER.start) >> 47n).toBe(0n);
  });

  it('keeps NULL, small values and error pointers as small numbers', () => {
    const space = new AddressSpace(TEST_MAP);
    expect(space.fromAddress(0n)).toBe(0);
    expect(space.fromAddress(0x2b000n)).toBe(0x2b000);
    expect(space.fromAddress(0xffff_ffff_ffff_ffean)).toBe(0x8000_0000 - 22);
    expect(space.toAddress(0x8000_0000 - 22)).toBe(0xffff_ffff_ffff_ffean);
  });

  it('carries addresses of no region through without loss', () => {
    const space = new AddressSpace(TEST_MAP);
    for (const wild of [0xdead_0000_0000_0100n, 0x6b6b_6b6b_6b6b_6b6bn, 0x8000_0000n, 0x7fff_0000_0000n]) {
      const ptr = space.fromAddress(wild);
      expect(ptr).toBeGreaterThanOrEqual(2 ** 32);
      expect(space.toAddress(ptr)).toBe(wild);
      expect(() => space.load8(ptr)).toThrow(GuestFault);
    }
  });

  it('takes a direct-map alias for the page itself: linear offsets are physical addresses', () => {
    const space = new AddressSpace(TEST_MAP);
    expect(space.fromAddress(0xffff_8880_8000_0000n + BigInt(CODE_REGION.start))).toBe(CODE_REGION.start);
    expect(space.fromHalves(0x9000_0000, RAM.upper)).toBe(RAM.start);
  });

  it('faults on what is not mapped, and on writes to what is read-only', () => {
    const space = new AddressSpace(TEST_MAP);
    space.map(RAM.start, 4096, PAGE_KERNEL_RO);
    expect(space.load8(RAM.start)).toBe(0);
    expect(() => space.store8(RAM.start, 1)).toThrow(/guest write of 1 bytes/);
    expect(() => space.load32(RAM.start + 4096)).toThrow(GuestFault);
    expect(() => space.load64(RAM.start + 4092)).toThrow(GuestFault);
    expect(() => space.load8(0x18)).toThrow(/0x18/);
  });

  it('stores pointers and longs so that machine code reads them', () => {
    const space = new AddressSpace(TEST_MAP);
    space.map(RAM.start, 4096, PAGE_KERNEL);
    space.storePtr(RAM.start, CODE_REGION.start + 0x10);
    expect(space.load64(RAM.start)).toBe(0xffff_ffff_c000_0010n);
    space.storeLong(RAM.start, -5);
    expect(space.load64(RAM.start)).toBe(0xffff_ffff_ffff_fffbn);
    expect(space.loadS64(RAM.start)).toBe(-5);
  });

  it('gives scrubbed pages when an address is mapped again', () => {
    const space = new AddressSpace(TEST_MAP);
    space.map(RAM.start, 4096, PAGE_KERNEL);
    space.store32(RAM.start, 7);
    space.unmap(RAM.start, 4096);
    space.map(RAM.start, 4096, PAGE_KERNEL);
    expect(space.load32(RAM.start)).toBe(0);
  });

  it('gives its memory back as new', () => {
    const space = new AddressSpace(TEST_MAP);
    space.map(RAM.start, 4 * 4096, PAGE_KERNEL);
    space.store8(RAM.start + 4095, 1);
    space.store64(RAM.start + 3 * 4096, 2n);
    space.protect(RAM.start, 4096, PAGE_KERNEL_RO);
    space.unmap(RAM.start + 4096, 3 * 4096, false);
    const memory = space.release();
    const next = new AddressSpace(TEST_MAP, memory);
    expect(next.memory).toBe(space.memory);
    expect(next.canRead(RAM.start)).toBe(false);
    expect(() => next.load8(RAM.start + 4095)).toThrow(GuestFault);
    next.map(RAM.start, 4 * 4096, PAGE_KERNEL);
    expect(next.readable(RAM.start, 4 * 4096).every((byte) => byte === 0)).toBe(true);
    expect(() => space.map(RAM.start, 4096, PAGE_KERNEL)).toThrow('was released');
    expect(() => space.release()).toThrow('was released before');
  });
});

describe('the map of a system', () => {
  it('may have its regions elsewhere, and no direct map', () => {
    const ram = region('pool', 0x2000_0000, 0x3000_0000, 0xffff_e000);
    const user = region('user', 0x7000_0000, 0x7100_0000, 0x0000_0001);
    const space = new AddressSpace({ regions: [ram, user], ram, user });
    expect(space.toAddress(ram.start)).toBe(0xffff_e000_a000_0000n);
    expect(space.fromAddress(0xffff_e000_a000_0000n)).toBe(ram.start);
    expect(space.fromAddress(0xffff_8880_a000_0000n)).toBeGreaterThanOrEqual(2 ** 32);
    space.map(ram.start, 4096, PAGE_KERNEL);
    expect(space.canWrite(ram.start)).toBe(true);
  });

  it.each([
    ['overlap', region('a', 0x6ff0_0000 - (0x6ff0_0000 % GRANULE), 0x7100_0000, 1)],
    ['are where the host keeps the shadow', region('a', 0x6500_0000, 0x6600_0000, 1)],
    ['are where the tables are', region('a', 0, GRANULE, 1)],
    ['are no granules', region('a', 0x1234_0000, 0x2234_0000, 1)],
    ['are where the top is', region('a', 0x7f00_0000, 0x8000_0000, 1)],
  ])('is refused where regions %s', (_, other) => {
    const { ram, user } = TEST_MAP;
    expect(() => checkMap({ regions: [other, ram, user], ram, user })).toThrow(RangeError);
  });
});
