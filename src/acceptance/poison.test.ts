import { describe, expect, it } from 'vitest';
import { AddressSpace, PAGE_KERNEL } from '../cpu/address-space.js';
import { RAM } from '../cpu/layout.js';
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

describe('the shadow', () => {
  const space = new AddressSpace();
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
