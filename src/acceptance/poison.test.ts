import { describe, expect, it } from 'vitest';
import { AddressSpace, PAGE_KERNEL } from '../cpu/address-space.js';
import { MEMORY_MAP, RAM } from '../linux/memory-map.js';
import { faults, machineWith, shell } from './testing/machines.js';

describe('memory that is none of a module’s business', () => {
  it('is read after it was freed: the function that reads is named, and who freed it in init', () => {
    const machine = machineWith(['k_uafr']);
    shell(machine, 'insmod /mods/k_uafr.ko; rmmod k_uafr');
    const [fault, ...more] = faults(machine);
    expect(fault).toMatchObject({ kind: 'use-after-free', module: 'k_uafr' });
    expect(fault.message).toMatch(
      /^BUG kmalloc-64: read of \d bytes?, \d+ bytes into .* freed in i\+0x[0-9a-f]+\/0x[0-9a-f]+ \[k_uafr\]$/,
    );
    expect(fault.at).toMatch(/^(use|x)\+0x/);
    expect(more).toEqual([]);
  });

  it.each([
    [6, 'out-of-bounds', /write of 1 byte right behind an object of 10 bytes/],
    [7, 'use-after-free', /write of 1 byte, 1 bytes into an object that is free/],
  ])('crashy mode %i is seen at the instruction, once', (mode, kind, message) => {
    const machine = machineWith(['crashy']);
    shell(machine, `insmod /mods/crashy.ko mode=${mode}; rmmod crashy`);
    expect(faults(machine)).toEqual([expect.objectContaining({ kind, module: 'crashy' })]);
    expect(faults(machine)[0].message).toMatch(message);
    expect(faults(machine)[0].at).toMatch(/\[crashy\]$/);
  });
});

describe('memory used in other ways than by single accesses', () => {
  it.each([
    [1, 'use-after-free', /read of 8 bytes, 0 bytes into an object that is free/], // rep movs
    [2, 'out-of-bounds', /write of 8 bytes right behind an object of 256 bytes/],
    [3, 'use-after-free', /write of 8 bytes, 0 bytes into an object that is free/], // rep stos
    [4, 'out-of-bounds', /read of 1 byte 2 bytes behind an object of 10 bytes/],
    [5, 'out-of-bounds', /read of \d+ bytes across the end of an object of 10 bytes|right behind/], // memcpy()
    [7, 'out-of-bounds', /read of 2 bytes across the end of an object of 10 bytes/],
    [8, 'use-after-free', /BUG badreads: read of 4 bytes, 0 bytes into an object that is free/],
  ])('badreads mode %i: %s', (mode, kind, message) => {
    const machine = machineWith(['badreads']);
    expect(shell(machine, `insmod /mods/badreads.ko mode=${mode}`).exit).toBe(0);
    expect(faults(machine)).toEqual([expect.objectContaining({ kind, module: 'badreads' })]);
    expect(faults(machine)[0].message).toMatch(message);
  });

  it('is fine where it stays inside', () => {
    const machine = machineWith(['badreads']);
    shell(machine, 'insmod /mods/badreads.ko; rmmod badreads');
    expect(faults(machine)).toEqual([]);
  });
});

describe('the shadow', () => {
  const space = new AddressSpace(MEMORY_MAP);
  const at = RAM.start + 0x10000;
  space.map(at, 4096, PAGE_KERNEL);
  space.watch(at, 4096);
  space.shadow.poison(at, 4096);
  space.shadow.allow(at + 64, 13);

  it('allows what was allowed, to the byte', () => {
    expect(space.shadow.firstPoisoned(at + 64, 13)).toBeUndefined();
    expect(space.shadow.firstPoisoned(at + 64, 14)).toBe(at + 77);
    expect(space.shadow.firstPoisoned(at + 63, 2)).toBe(at + 63);
    expect(space.shadow.firstPoisoned(at + 72, 8)).toBe(at + 77);
  });

  it('is forgotten with the page', () => {
    space.unmap(at, 4096);
    space.map(at, 4096, PAGE_KERNEL);
    expect(space.isWatched(at)).toBe(false);
  });
});
