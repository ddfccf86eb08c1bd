import { describe, expect, it } from 'vitest';
import { type Outcome, outcomeOf } from './testing/klds.js';

const STACK = 'stack overflow detected; backtrace may be corrupted';
const MIDDLE = 'free: address 0x is 16 bytes into an object of zone malloc-128';
const killed = { load: 137, said: ['Killed'] };

const FAULTS: Readonly<Record<string, readonly [what: string, outcome: Outcome]>> = {
  panics: [
    'calls panic(9)',
    { ...killed, log: ['panic: panics: 42'], faults: ['panic: panics: 42'], panicked: 'panics: 42' },
  ],
  nullread: [
    'reads through a null pointer',
    {
      ...killed,
      log: [
        'Fatal trap 12: page fault while in kernel mode',
        'fault virtual address\t= 0x8',
        'fault code\t\t= supervisor read data, page not present',
        'current process\t\t= 700 (kldload)',
        'panic: page fault',
      ],
      faults: ['null-dereference: page fault: read at 0x8 in nullread_event+0x16 [nullread.ko]'],
      panicked: 'page fault',
    },
  ],
  stacksmash: [
    'writes behind an array on its stack',
    { ...killed, log: [`panic: ${STACK}`], faults: [`panic: ${STACK}`], panicked: STACK },
  ],
  useafter: [
    'reads and writes memory after free(9)',
    {
      log: ['useafter: -1381126739'],
      faults: [
        'use-after-free: BUG malloc-64: read of 4 bytes, 12 bytes into an object that is free, freed in useafter_event+0x3f [useafter.ko]',
        'use-after-free: Memory modified after free 0x(64) offset 16 of malloc-64, freed in useafter_event+0x3f [useafter.ko]',
      ],
    },
  ],
  umauseafter: [
    'writes to an item after uma_zfree(9)',
    {
      faults: [
        'use-after-free: BUG umauseafter: write of 4 bytes, 20 bytes into an object that is free, freed in umauseafter_event+0x64 [umauseafter.ko]',
      ],
    },
  ],
  doublefree: [
    'frees memory twice',
    {
      faults: [
        'double-free: Duplicate free of 0x from zone malloc-128, freed before in doublefree_event+0x3a [doublefree.ko]',
      ],
    },
  ],
  wrongtype: [
    'frees memory under another type',
    { faults: ['bad-free: free of memory of type "wrongtype" as type "temp"'] },
  ],
  freemiddle: [
    'frees the middle of an object',
    { ...killed, log: [`panic: ${MIDDLE}`], faults: [`bad-free: ${MIDDLE}`], panicked: MIDDLE },
  ],
  overrun: [
    'writes behind an allocation',
    {
      faults: [
        'out-of-bounds: BUG malloc-64: write of 1 byte 24 bytes behind an object of 40 bytes, allocated in overrun_event+0x27 [overrun.ko]',
      ],
    },
  ],
};

describe('a kld that', () => {
  for (const [name, [what, outcome]] of Object.entries(FAULTS))
    it(`${what} is told of so (${name})`, () => {
      expect(outcomeOf(name)).toEqual(outcome);
    });

  it('loops for ever is stopped', () => {
    const { faults = [], load } = outcomeOf('spinforever', [], { workLimit: 20_000_000 });
    expect(load).toBe(137);
    expect(faults).toEqual([
      expect.stringMatching(
        /^endless: modbox: kldload was stopped after 20000000 instructions, or as much work/,
      ),
    ]);
  });
});

/** What is left when a kld is gone: allocations by the function that made them, and what the kernel keeps of it. */
const LEFT: Readonly<Record<string, Outcome>> = {
  leaktype: {
    logAfter: ['Warning: memory type leaktype leaked memory on destroy (2 allocations, 3100 bytes leaked).'],
    leaks: ['3000 in 1 by leaktype_event', '100 in 1 by leaktype_event'],
  },
  leaktemp: { leaks: ['100 in 1 by leaktemp_event'] },
  leakcdev: { leftBehind: ['device leakcdev'], leaks: ['480 in 1 by leakcdev_event'] },
  leakcallout: { leftBehind: ['pending callout leakcallout_due'] },
  leakzone: {
    logAfter: ['Freed UMA keg (leakzone destroyed) was not empty (1 items). Lost 1 pages of memory.'],
    leftBehind: ['UMA zone leakzone kept'],
    leaks: ['80 in 1 by leakzone_event', '64 in 1 by leakzone_event'],
  },
  leakmany: {
    leftBehind: ['task queue leakmany', 'event handler shutdown_pre_sync', 'sysctl debug.leakmany'],
    leaks: ['133 in 3 by leakmany_event', '64 in 1 by leakmany_event', '48 in 1 by leakmany_event'],
  },
  leakthread: {
    logAfter: [
      'Fatal trap 12: page fault while in kernel mode',
      'fault virtual address\t= 0x',
      'fault code\t\t= supervisor read instruction, page not present',
      'current process\t\t= 0 (leakthread)',
      'panic: page fault',
    ],
    faults: ['page-fault: page fault: execute at 0x in 0x'],
    leftBehind: ['kernel thread leakthread'],
    panicked: 'page fault',
  },
};

describe('a kld that goes', () => {
  it.each(Object.entries(LEFT))('is told what it left behind (%s)', (name, outcome) => {
    expect(outcomeOf(name)).toEqual(outcome);
  });
});
