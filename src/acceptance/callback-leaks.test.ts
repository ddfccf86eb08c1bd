import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Machine } from '../machine/linux/machine.js';
import { loadBundled } from '../target/node/index.js';

const module = readFileSync(new URL('../../tests/modules/callbackleaks.ko', import.meta.url));

/** What was reported of a load and an unload, and the log. */
function use(mode: number): { readonly reports: string[]; readonly log: string; readonly machine: Machine } {
  const machine = Machine.boot({ target: loadBundled() });
  machine.insmod(module, `mode=${mode}`);
  machine.rmmod('callbackleaks');
  const reports = machine.kernel.traps.reports.map(({ kind, message }) => `${kind}: ${message}`);
  return {
    reports,
    log: machine
      .dmesg()
      .map(({ text }) => text)
      .join('\n'),
    machine,
  };
}

describe('a callback that comes back with another preempt_count', () => {
  it('is complained of and set right, where a tasklet did it', () => {
    const { log, reports, machine } = use(1);
    expect(log).toMatch(
      /^softirq: huh, entered softirq 6 TASKLET [0-9a-f]{16} with preempt_count 00000100, exited with 00000101\?$/m,
    );
    expect(reports).toHaveLength(1);
    expect(machine.kernel.processes.preemptCount).toBe(0);
  });

  it('is a warning, where a timer did it', () => {
    const { log, reports } = use(2);
    expect(log).toMatch(/^timer: leaky_timer\S* \[callbackleaks\] preempt leak: 00000100 -> 00000101$/m);
    expect(log).toMatch(/^WARNING: .* call_timer_fn/m);
    expect(reports).toHaveLength(1);
  });
});

describe('an exit function that takes rcu_read_lock() and keeps it', () => {
  it('is reported', () => {
    expect(use(3).reports).toEqual([
      expect.stringMatching(/^lock-misuse: .*callbackleaks_exit.* is still in an RCU read-side section$/),
    ]);
  });
});

describe('a GPIO line by its number, on a machine without a controller', () => {
  it('may come later if the number can be, and has no effect', () => {
    const { log, reports } = use(0);
    expect(log.split('\n').slice(-4)).toEqual([
      'invalid GPIO 5000',
      'callbackleaks: 17: -517, 5000: 0',
      'callbackleaks: one: -517',
      'callbackleaks: value 0, direction 0, irq -22',
    ]);
    expect(reports).toEqual([]);
  });
});
