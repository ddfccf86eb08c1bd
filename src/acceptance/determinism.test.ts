import { describe, expect, it } from 'vitest';
import type { Machine } from '../machine/linux/machine.js';
import { faults, machineWith, ownModule, shell } from './testing/machines.js';

const HOUR = 3600e9;

describe('virtual time', () => {
  it('passes at once: threads that sleep three hours are done when the machine has slept four', () => {
    const machine = machineWith(['sleeper']);
    const { clock, cpu } = machine.kernel;
    machine.insmod(ownModule('sleeper'));
    const started = clock.now;
    machine.sleep(4 * HOUR);
    expect(clock.now - started).toBeGreaterThanOrEqual(4 * HOUR);
    expect(shell(machine, 'cat /sys/module/sleeper/parameters/done').stdout).toBe('6\n');
    const log = machine.dmesg().map(({ text }) => text);
    for (const round of [1, 2, 3])
      expect(log).toContain(`sleeper: round ${round} of schedule_timeout lasted 3600 s`);
    // What was executed is what was done, not what was waited for.
    expect(cpu.executed).toBeLessThan(5_000_000);
    machine.rmmod('sleeper');
    expect(faults(machine)).toEqual([]);
  });

  it('does not pass while nobody lets it: an hour that has not come is not over', () => {
    const machine = machineWith(['sleeper']);
    machine.insmod(ownModule('sleeper'));
    machine.sleep(HOUR / 2);
    expect(shell(machine, 'cat /sys/module/sleeper/parameters/done').stdout).toBe('0\n');
    machine.rmmod('sleeper');
    expect(machine.dmesg().map(({ text }) => text)).toContain('sleeper: woken early in round 1');
  });

  it('stamps the log: a round later is an hour later', () => {
    const machine = machineWith(['sleeper']);
    machine.insmod(ownModule('sleeper'), 'rounds=2');
    machine.sleep(3 * HOUR);
    const times = machine
      .dmesg()
      .filter(({ text }) => /of schedule_timeout/.test(text))
      .map(({ time }) => time);
    expect(times).toHaveLength(2);
    expect((times[1] - times[0]) / 1e9).toBeCloseTo(3600, 1);
  });
});

interface Trace {
  readonly log: readonly string[];
  readonly instructions: number;
  readonly time: number;
}

/** Threads, timers, work and tasklets side by side, then all unloaded. */
function busyRun(seed: number): { machine: Machine; trace: Trace } {
  const machine = machineWith(['sleeper', 'kthread_wait', 'workq_timer', 'notifier'], { seed });
  shell(machine, 'insmod /mods/notifier.ko');
  for (const name of ['sleeper', 'kthread_wait', 'workq_timer']) shell(machine, `insmod /mods/${name}.ko`);
  machine.sleep(2.5 * HOUR);
  for (const name of ['workq_timer', 'kthread_wait', 'sleeper', 'notifier']) shell(machine, `rmmod ${name}`);
  const log = machine.dmesg().map(({ time, text }) => `${time} ${text}`);
  return {
    machine,
    trace: { log, instructions: machine.kernel.cpu.executed, time: machine.kernel.clock.now },
  };
}

describe('a seed', () => {
  for (const seed of [0, 1, 12345])
    it(`of ${seed} gives the same log, times and number of instructions every time`, () => {
      const first = busyRun(seed).trace;
      expect(first.log.length).toBeGreaterThan(20);
      expect(busyRun(seed).trace).toEqual(first);
    });

  it('of any value lets everything end well, though not in the same order', () => {
    const runs = [1, 2, 3, 4, 5].map((seed) => busyRun(seed));
    for (const { machine } of runs) {
      expect(machine.lsmod()).toEqual([]);
      expect(faults(machine)).toEqual([]);
      expect(machine.kernel.scheduler.tasks.size).toBe(runs[0].machine.kernel.scheduler.tasks.size);
    }
    const logs = new Set(runs.map(({ trace }) => trace.log.join('\n')));
    expect(logs.size).toBeGreaterThan(1);
  });
});
