import { describe, expect, it } from 'vitest';
import { faults, logFrom, machineWith, shell } from '../../../acceptance/testing/machines.js';

describe('input events', () => {
  it('go in packets to handlers, without what is no change or no capability (as recorded of the real kernel)', () => {
    const machine = machineWith(['inputflow']);
    expect(shell(machine, 'insmod /mods/inputflow.ko; rmmod inputflow').stderr).toBe('');
    const said = logFrom(machine).filter((line) => /^inputflow: (the|a|\d)/.test(line));
    expect(said).toEqual([
      'inputflow: a terminal: 0',
      'inputflow: 1 30 1, in atomic 1',
      'inputflow: 0 0 0, in atomic 1',
      'inputflow: the device is told 17 1 1',
      'inputflow: 2 0 -3, in atomic 1',
      'inputflow: 3 0 50, in atomic 1',
      'inputflow: 17 1 1, in atomic 1',
      'inputflow: 1 30 0, in atomic 1',
      'inputflow: 0 0 0, in atomic 1',
    ]);
    expect(faults(machine)).toEqual([]);
  });
});
