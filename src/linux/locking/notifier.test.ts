import { beforeAll, describe, expect, it } from 'vitest';
import type { Ptr } from '../../cpu/layout.js';
import { EEXIST, ENOENT } from '../errno.js';
import { type Guest, guest } from '../testing/guest.js';

const NOTIFY_OK = 1;
const NOTIFY_STOP_MASK = 0x8000;

let g: Guest;
let called: string[];

beforeAll(() => {
  g = guest();
});

/** A block whose function writes down that it was called, with what. */
function block(name: string, priority: number, answer = NOTIFY_OK): Ptr {
  const ptr = g.struct.notifier_block({ priority });
  const note = (_block: Ptr, value: number): number => {
    called.push(`${name} ${value}`);
    return answer;
  };
  g.k.struct('notifier_block').bind(ptr, 'notifier_call', `test_${name}`, note);
  return ptr;
}

function chain(): Ptr {
  called = [];
  return g.struct.raw_notifier_head();
}

describe('a notifier chain', () => {
  it('calls its blocks by priority, those of one priority in the order of their registration', () => {
    const head = chain();
    const blocks = [block('a', 0), block('b', 10), block('c', 0)];
    for (const one of blocks) expect(g.call.raw_notifier_chain_register(head, one)).toBe(0);
    expect(g.call.raw_notifier_call_chain(head, 7, 0)).toBe(NOTIFY_OK);
    expect(called).toEqual(['b 7', 'a 7', 'c 7']);
  });

  it('stops at a block that says so, and gives back what it said', () => {
    const head = chain();
    g.call.raw_notifier_chain_register(head, block('stops', 5, NOTIFY_STOP_MASK | NOTIFY_OK));
    g.call.raw_notifier_chain_register(head, block('never', 0));
    expect(g.call.raw_notifier_call_chain(head, 1, 0)).toBe(NOTIFY_STOP_MASK | NOTIFY_OK);
    expect(called).toEqual(['stops 1']);
  });

  it('refuses a block that it has, with a warning, and knows none that was taken out', () => {
    const head = chain();
    const one = block('once', 0);
    expect(g.call.raw_notifier_chain_register(head, one)).toBe(0);
    g.reports();
    expect(g.call.raw_notifier_chain_register(head, one)).toBe(-EEXIST);
    expect(g.reports().map(({ message }) => message)).toEqual([
      expect.stringContaining('already registered'),
    ]);
    expect(g.call.raw_notifier_chain_unregister(head, one)).toBe(0);
    expect(g.call.raw_notifier_chain_unregister(head, one)).toBe(-ENOENT);
    g.call.raw_notifier_call_chain(head, 1, 0);
    expect(called).toEqual([]);
  });
});
