import { describe, expect, it } from 'vitest';
import { LeftBehinds } from '../linux/module/left-behind.js';
import type { Machine } from '../machine/linux/machine.js';
import { faults, logFrom, machineWith, shell } from './testing/machines.js';

function inserted(mode: number): Machine {
  const machine = machineWith(['selfwaits']);
  shell(machine, `insmod /mods/selfwaits.ko mode=${mode}`);
  return machine;
}

describe('who waits for themselves', () => {
  it.each([
    [1, /(del_timer|timer_delete)_sync\(\) of a timer, from its own function/],
    [2, /flush_workqueue\(\) of the queue 'selfwaits', from work on it/],
    [3, /cancel_work_sync\(\) of work, from its own function/],
    [4, /flush_work\(\) of work, from its own function/],
    [6, /synchronize_rcu\(\) of a read-side section that the task is in/],
    [7, /hrtimer_cancel\(\) of a timer, from its own function/],
  ])('mode %i is a deadlock', (mode, message) => {
    const found = faults(inserted(mode));
    expect(found.map(({ kind }) => kind)).toEqual(['deadlock']);
    expect(found[0].message).toMatch(message);
    expect(found[0].module).toBe('selfwaits');
  });

  it('who ends init in a read-side section is told so', () => {
    const kinds = faults(inserted(5)).map(({ kind }) => kind);
    expect(kinds).toEqual(['sleep-in-atomic', 'lock-misuse']); // it slept there, too
  });

  it('a queue that never drains is named', () => {
    const machine = inserted(8);
    expect(shell(machine, 'rmmod selfwaits').hangs).toBe(true);
    const lines = logFrom(machine).filter((line) => line.startsWith('workqueue selfwaits: '));
    expect(lines[0]).toBe("workqueue selfwaits: drain_workqueue() isn't complete after 10 tries");
    expect(faults(machine).at(-1)?.message).toMatch(/^INFO: task rmmod:\d+ blocked/);
  });

  it('flushing does not wait for what is queued meanwhile; draining does', () => {
    const machine = inserted(9);
    const rounds = logFrom(machine).flatMap(
      (line) => /(flushed|drained) after (\d+) rounds/.exec(line)?.[2] ?? [],
    );
    expect(Number(rounds[0])).toBeLessThan(10);
    expect(Number(rounds[1])).toBe(50);
    expect(faults(machine)).toEqual([]);
  });

  it('a task that is asleep in code that goes is left behind', () => {
    const machine = inserted(10);
    shell(machine, 'rmmod selfwaits');
    const { found } = machine.kernel.get(LeftBehinds);
    expect(found).toEqual([expect.objectContaining({ kind: 'sleeping task', module: 'selfwaits' })]);
  });
});
