import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Oops } from '../errors.js';
import { type Guest, guest } from '../testing/guest.js';
import { warn } from '../warn.js';

/** Bit 7. */
const TAINT_DIE = 0x80;

let g: Guest;
let from: number;

beforeAll(() => {
  g = guest();
});

beforeEach(() => {
  g.reports();
  from = g.k.log.next;
});

const log = (): string[] => [...g.k.log.linesFrom(from)];

describe('what a function of the base kernel cannot go on from', () => {
  it('is an oops of the task that called it: where nothing is mapped, and which function it was', () => {
    expect(() => g.call.strlen(0x10)).toThrow(
      'BUG: kernel NULL pointer dereference, address: 0000000000000010',
    );
    const [report] = g.reports();
    expect([report.kind, report.address]).toEqual(['null-dereference', 0x10n]);
    expect(log()).toEqual(
      expect.arrayContaining(['#PF: error_code(0x0000) - not-present page', 'in strlen']),
    );
  });

  it('may have a reason that says more than its first line', () => {
    const because = (): never => {
      throw new Oops('bug', 'kernel BUG at test.c:1!', 0, 'because of the test');
    };
    const fn = g.k.exports.hostFunction('test_bug', 'v:', because);
    expect(() => g.run(() => g.k.callAs('v:', fn))).toThrow('because of the test');
    expect(log()).toContain('kernel BUG at test.c:1!');
  });

  it('leaves the kernel running for others, tainted', () => {
    expect(g.call.strlen(g.k.constantString('four'))).toBe(4);
    expect(g.k.traps.taint.mask & TAINT_DIE).not.toBe(0);
  });
});

describe('a warning', () => {
  it('is in the log with place, registers and trace, and the task goes on', () => {
    g.run(function* () {
      warn(g.k, 'look at this', 'mm/test.c:7', 'kfree');
      yield { kind: 'yield' };
    });
    expect(log().slice(0, 3)).toEqual([
      '------------[ cut here ]------------',
      'look at this',
      expect.stringMatching(/^WARNING: CPU: 0 PID: \d+ at mm\/test\.c:7 kfree\+0x0\/0x[0-9a-f]+$/),
    ]);
    expect(log().at(-1)).toBe('---[ end trace 0000000000000000 ]---');
    expect(g.reports()).toMatchObject([{ kind: 'warning', message: 'look at this' }]);
  });

  it('that comes for ever is counted, not kept', () => {
    const { traps } = g.k;
    g.run(function* () {
      for (let i = 0; i < 1100; i++) warn(g.k, `again ${i}`, 'mm/test.c:8', 'kfree');
      yield { kind: 'yield' };
    });
    expect(traps.reports.length).toBe(1000);
    expect(traps.suppressed).toBeGreaterThan(90);
  });
});
