import { describe, expect, it } from 'vitest';
import { EBUSY } from '../errno.js';
import { Booted } from '../testing/booted.js';
import { Interrupts } from './interrupts.js';

const FILTER_HANDLED = 2;
const FILTER_SCHEDULE_THREAD = 4;

/** A machine with a handler on a line, and what became of it. */
function onLine(irq: number, answer: number) {
  const machine = new Booted([]);
  const { k } = machine;
  const called: string[] = [];
  const filter = k.exports.hostFunction('test_filter', 'i:p', (arg: number) => {
    called.push(`filter ${arg}`);
    return answer;
  });
  const handler = k.exports.hostFunction('test_handler', 'v:p', (arg: number) => {
    called.push(`handler ${arg} in ${k.processes.nameOf(k.executor.current!)}`);
  });
  const cookie = k.permanent(8);
  const flags = k.enumValue('INTR_MPSAFE');
  k.get(Interrupts).addLine(irq, { name: 'dev0', filter, handler, arg: 7, priority: 1, flags }, cookie);
  return { machine, called, cookie: k.space.loadPtr(cookie) };
}

describe('interrupts', () => {
  it('run the filter, and the handler in a thread where the filter asks for it', () => {
    const { machine, called } = onLine(9, FILTER_SCHEDULE_THREAD);
    machine.k.get(Interrupts).raise(9);
    machine.settle(1);
    expect(called).toEqual(['filter 7', 'handler 7 in irq9: dev0']);
  });

  it('are done where the filter has handled them', () => {
    const { machine, called } = onLine(9, FILTER_HANDLED);
    machine.k.get(Interrupts).raise(9);
    machine.settle(1);
    expect(called).toEqual(['filter 7']);
  });

  it('reach nobody once the handler is gone', () => {
    const { machine, called, cookie } = onLine(9, FILTER_SCHEDULE_THREAD);
    const interrupts = machine.k.get(Interrupts);
    expect(machine.run(interrupts.removeLine(cookie))).toBe(0);
    interrupts.raise(9);
    machine.settle(1);
    expect(called).toEqual([]);
    expect([...interrupts.holds()]).toEqual([]);
  });

  it('are held by who registered them', () => {
    const { machine } = onLine(9, FILTER_HANDLED);
    const held = [...machine.k.get(Interrupts).holds()].map(({ kind, name }) => `${kind} ${name()}`);
    expect(held).toEqual(['interrupt handler dev0']);
  });
});

describe('software interrupts', () => {
  it('run in a thread of their own when they are scheduled, those that may wait with the next one', () => {
    const machine = new Booted([]);
    const { k } = machine;
    const { exports } = k.get(Interrupts);
    const called: number[] = [];
    const handler = k.exports.hostFunction('test_swi', 'v:p', (arg: number) => void called.push(arg));
    const [event, first, second] = [k.permanent(8), k.permanent(8), k.permanent(8)];
    const flags = k.enumValue('INTR_MPSAFE');
    expect(exports.swi_add(event, k.constantString('one'), handler, 1, 5, flags, first)).toBe(0);
    expect(exports.swi_add(event, k.constantString('two'), handler, 2, 5, flags, second)).toBe(0);
    exports.swi_sched(k.space.loadPtr(first), k.macro('SWI_DELAY'));
    machine.settle(1);
    expect(called).toEqual([]);
    exports.swi_sched(k.space.loadPtr(second), 0);
    machine.settle(1);
    expect(called).toEqual([1, 2]);
    expect(exports.intr_event_destroy(k.space.loadPtr(event))).toBe(EBUSY);
    for (const cookie of [first, second]) machine.run(exports.swi_remove(k.space.loadPtr(cookie)));
    expect(exports.intr_event_destroy(k.space.loadPtr(event))).toBe(0);
  });
});
