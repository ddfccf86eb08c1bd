import { describe, expect, it } from 'vitest';
import { type Attempt, type Contents, Learner } from './learning.js';
import { RegisterBank } from './register-bank.js';

const NOTHING = { bytes: [], words: [], longs: [] };

/** A driver that reads registers in turn and gives up at the first that has another value than it wants. */
function driver(...wanted: readonly (readonly [register: number, value: number])[]) {
  return (filler: number, contents: Contents): Attempt => {
    const reads = [];
    let executed = 10;
    for (const [register, value] of wanted) {
      reads.push({ register, bytes: 1 });
      executed += 5;
      if ((contents.get(register) ?? filler) !== value)
        return { bound: false, reads, accesses: reads.length, executed };
    }
    return { bound: true, reads, accesses: reads.length, executed };
  };
}

const never = (): boolean => false;

describe('learning what a driver wants of a chip', () => {
  it('finds an identity, and others behind it', () => {
    const found = new Learner(driver([0xfe, 0x4d], [0xff, 0x04], [3, 1]), NOTHING, never).search(0);
    expect([...(found?.contents ?? [])]).toEqual([
      [0xfe, 0x4d],
      [0xff, 0x04],
      [3, 1],
    ]);
  });

  it('wants nothing of a chip that is taken as it is', () => {
    expect(new Learner(driver([0, 0]), NOTHING, never).search(0)).toMatchObject({ attempts: 1 });
  });

  it('gives up where no value makes a difference, and where it is to', () => {
    expect(new Learner(driver([0, 0x100]), NOTHING, never).search(0)).toBeUndefined();
    expect(new Learner(driver([0, 1]), NOTHING, () => true).search(0)).toBeUndefined();
  });
});

describe('a bank of registers', () => {
  const bank = new RegisterBank();
  const part = bank.model('chip').create(
    {
      clock: { now: 0, at: () => () => {} },
      caller: () => '',
      dma: { read: () => new Uint8Array(), write: () => {} },
    },
    { alert: () => {} },
  );

  it('has what it was given, and what was written', () => {
    bank.reset(0xff, new Map([[0x10, 1]]));
    part.write(Uint8Array.of(0x11, 2));
    part.write(Uint8Array.of(0x10));
    expect(part.read(3)).toEqual(Uint8Array.of(1, 2, 0xff));
    expect(bank.reads).toEqual([{ register: 0x10, bytes: 3 }]);
  });

  it('takes bytes that are read after for a register’s number', () => {
    bank.reset(0, new Map([[0x300a, 0x56]]));
    part.write(Uint8Array.of(0x30, 0x0a));
    expect(part.read(1)).toEqual(Uint8Array.of(0x56));
  });
});
