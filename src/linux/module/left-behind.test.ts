import { describe, expect, it } from 'vitest';
import { machineWith, shell } from '../../acceptance/testing/machines.js';
import type { LeftBehind } from '../../kernel/modules/left-behind.js';
import type { Machine } from '../../machine/linux/machine.js';
import { LeftBehinds } from './left-behind.js';

/** What is left when a module is loaded with parameters, waits a moment, and is removed. */
function leftBy(name: string, parameters: string): readonly LeftBehind[] {
  return found(used(name, parameters));
}

function used(name: string, parameters: string): Machine {
  const machine = machineWith([name]);
  shell(machine, `insmod /mods/${name}.ko ${parameters}`);
  shell(machine, `rmmod ${name}`);
  return machine;
}

function found(machine: Machine): readonly LeftBehind[] {
  return machine.kernel.get(LeftBehinds).found;
}

/** forget.c registers one of these and never takes it back. */
const FORGOTTEN: readonly (readonly [mode: number, kind: string, name: string])[] = [
  [1, 'misc device', 'forgot'],
  [2, '/proc file', '/proc/forgot'],
  [3, 'debugfs directory', '/forgot'],
  [4, 'pending timer', 'tf'],
  [5, 'delayed work', 'wf'],
  [6, 'kernel thread', 'forgot'],
  [7, 'reboot notifier', 'nb'],
  [8, 'keyboard notifier', 'nb'],
  [9, 'netfilter hook', 'hook'],
  [10, 'net device', 'forgot0'],
  [11, 'platform driver', 'forgot'],
  [12, 'file system', 'forgotfs'],
  [13, 'pci driver', 'forgot'],
  [14, 'interrupt handler', 'forgot (IRQ 5)'],
  [15, 'class', 'forgot'],
  [16, 'character device region', 'forgot (246:0)'],
  [17, 'block major', 'forgot (254)'],
  [18, 'slab cache', 'forgot'],
  [19, 'workqueue', 'forgot'],
  [20, 'netdev notifier', 'nb'],
  [21, 'module notifier', 'nb'],
  [22, 'platform device', 'forgotdev'],
  [23, 'I/O port region', 'forgot (300-307)'],
  [24, 'memory region', 'forgot (90000000-90000fff)'],
];

/** leaves.c, the same with other kinds. */
const LEFT: readonly (readonly [mode: number, kind: string, name: string])[] = [
  [1, 'binary format', 'load'],
  [2, 'shrinker', 'count'],
  [3, 'character set', 'leaves'],
  [4, 'sysctl table', '/proc/sys/dev/leaves/leaves'],
  [5, 'generic netlink family', 'leaves'],
  [6, 'packet type', 'received'],
  [7, 'socket protocol', 'LEAVES'],
  [8, 'TCP congestion control', 'leaves'],
  [9, 'network namespace operations', 'pernet'],
  [10, 'key type', 'leaves'],
  [11, 'bus', 'leaves'],
  [12, 'pending hrtimer', 'expired'],
  [13, 'RCU callback', 'later'],
  [14, 'CPU hotplug state', 'leaves:online'],
  [15, 'kobject', '/sys/kernel/leaves'],
  [16, 'sysfs file', '/sys/kernel/leaf'],
  [17, 'i2c driver', 'leaves'],
  [18, 'platform driver', 'leaves'],
  [20, 'crypto algorithm', 'leaves-generic'],
  [21, 'hwmon device', 'hwmon0'],
  [22, 'input device', 'input0'],
];

describe('what a module leaves behind', () => {
  it.each(FORGOTTEN)('forget mode %i: a %s is named, with who registered it', (mode, kind, name) => {
    const left = leftBy('forget', `mode=${mode}`);
    expect(left[0]).toMatchObject({ kind, name, module: 'forget' });
    expect(left[0].registeredBy).toMatch(/^in\+0x[0-9a-f]+\/0x[0-9a-f]+ \[forget\]$/);
  });

  it.each(LEFT)('leaves mode %i: a %s, and nothing else', (mode, kind, name) => {
    expect(leftBy('leaves', `mode=${mode}`)).toEqual([
      expect.objectContaining({ kind, name, module: 'leaves' }),
    ]);
  });

  it('names a class and a device in it', () => {
    const left = leftBy('leaves', 'mode=19').map(({ kind, name }) => `${kind} ${name}`);
    expect(left).toEqual(['class leaves', 'leaves device leaf']);
  });

  it('says nothing of who took everything back', () => {
    expect(leftBy('forget', 'mode=0')).toEqual([]);
    expect(leftBy('leaves', 'mode=23')).toEqual([]); // call_rcu(), then rcu_barrier()
  });

  it('names what a failed init left, and does not blame the next module for it', () => {
    const machine = machineWith(['leaves', 'forget']);
    shell(machine, 'insmod /mods/leaves.ko mode=6 fail=1');
    expect(found(machine)).toEqual([expect.objectContaining({ kind: 'packet type', module: 'leaves' })]);
    shell(machine, 'insmod /mods/forget.ko');
    shell(machine, 'rmmod forget');
    expect(found(machine)).toHaveLength(1);
  });

  it('finds a file system at unload; who lists file systems then meets what the kernel meets', () => {
    const machine = used('forget', 'mode=12');
    expect(found(machine)).toHaveLength(1);
    expect(shell(machine, 'cat /proc/filesystems').exit).not.toBe(0);
    expect(machine.kernel.traps.reports.map(({ kind }) => kind)).toEqual(['left-behind', 'page-fault']);
  });
});
