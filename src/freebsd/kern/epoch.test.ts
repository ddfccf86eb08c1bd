import { describe, expect, it } from 'vitest';
import { WithModules } from '../testing/with-modules.js';
import { Epochs } from './epoch.js';

describe('epoch(9)', () => {
  it('calls back once its readers have left; counter(9) sums up', () => {
    const machine = new WithModules('counters.ko');
    const file = machine.load('counters.ko');
    expect(machine.log).toContain('counters: 55');
    expect(machine.log).toContain('counters: inside 1');
    expect(machine.log).toContain('counters: item 1 freed');
    expect(machine.unload(file)).toBe(0);
    expect(machine.faults).toEqual([]);
  });

  it('who sleeps in a section is reported', () => {
    const machine = new WithModules('epochsleep.ko');
    machine.load('epochsleep.ko');
    expect(machine.faults).toEqual([expect.stringMatching(/^sleep-in-atomic: pause.*prohibited/)]);
  });

  it('one who waits goes on when those have left who were inside', () => {
    const machine = new WithModules();
    const { k } = machine;
    const epochs = k.get(Epochs);
    const order: string[] = [];
    machine.run(function* () {
      epochs.enter(epochs.net, 0);
      k.processes.create(
        'waiter',
        (function* () {
          yield* epochs.exports.epoch_wait_preempt(epochs.net);
          order.push('waiter');
        })(),
      );
      yield { kind: 'yield' };
      order.push('reader');
      epochs.exit(epochs.net, 0);
    });
    expect(order).toEqual(['reader', 'waiter']);
  });

  it('leaving what was not entered is a misuse', () => {
    const machine = new WithModules();
    const epochs = machine.k.get(Epochs);
    machine.run(function* () {
      epochs.exit(epochs.net, 0);
      yield { kind: 'yield' };
    });
    expect(machine.faults).toEqual([expect.stringContaining('which the thread has not entered')]);
  });
});
