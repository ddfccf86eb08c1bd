import { describe, expect, it } from 'vitest';
import { LeftBehinds } from '../linux/module/left-behind.js';
import type { Machine } from '../machine/linux/machine.js';
import { faults, logFrom, machineWith, shell } from './testing/machines.js';

/** A machine in which `kprobes` has run one mode and was removed. */
function ran(mode: number): Machine {
  const machine = machineWith(['kprobes']);
  shell(machine, `insmod /mods/kprobes.ko mode=${mode}; rmmod kprobes`);
  return machine;
}

/** What the module said: as recorded of the real kernel with the same module. */
const said = (mode: number): readonly string[] =>
  logFrom(ran(mode)).filter((line) => !line.startsWith('kprobes: '));

describe('probes with handlers', () => {
  it('see the arguments of a function of the module, before and behind its entry', () => {
    expect(said(1)).toEqual([
      'register sum: 0',
      'pre of sum: ip +1, di 1, si 2, in atomic 1',
      'post of sum: ip +5, flags 0',
      'sum(1, 2)',
      '= 3',
      'sum(3, 4)',
      '= 7',
    ]);
  });

  it('see what functions return, where their entry handler wants to', () => {
    expect(said(2)).toEqual(['register sum: 0', 'sum(1, 2)', 'sum: 1 gave 3', 'sum(13, 2)', 'sum(5, 6)']);
  });

  it('see calls of functions of the kernel, those that sleep too', () => {
    const lines = said(3);
    expect(lines[1]).toMatch(/^pre of kstrtouint: ip \+1, di -?\d+, si 10, in atomic 1$/);
    expect(lines.at(-1)).toBe('= 0, 12');
    expect(said(4)[1]).toMatch(/^msleep: 20 gave /);
  });

  it('are refused with the errors of the kernel', () => {
    expect(said(5)).toEqual([
      'neither: -22',
      'both: -22',
      'unknown: -2',
      'data: -22',
      'data by name: -22',
      'wild: -2',
      'enable: -22',
      'disable: -22',
      'return inside: -22',
      'return data: -7',
      'vector: -22',
    ]);
  });

  it('can be registered disabled, enabled and disabled', () => {
    expect(said(6)).toEqual([
      'register sum: 0',
      'sum(1, 1)',
      'enable 0',
      'pre of sum: ip +1, di 2, si 2, in atomic 1',
      'post of sum: ip +5, flags 0',
      'sum(2, 2)',
      'disable 0',
      'sum(3, 3)',
    ]);
  });

  it('come newest first at one place, and may change arguments', () => {
    expect(said(7).slice(1, 5)).toEqual([
      'pre of sum: ip +1, di 40, si 2, in atomic 1',
      'post of sum: ip +5, flags 0',
      'sum(40, 2)',
      '= 42',
    ]);
  });

  it('may divert a call; one that was unregistered stays disabled when it is registered again', () => {
    expect(said(8)).toEqual(['register sum: 0', 'other(6, 7)', '= 42', 'register kstrtouint: 0', 'diverted']);
  });

  it('on functions that only the kernel itself calls are registered', () => {
    expect(said(10)).toEqual(['register kernel_clone: 0', 'register do_sys_openat2: 0']);
  });

  it('miss calls beyond maxactive, and those from within a handler', () => {
    expect(said(11)).toEqual([
      'register countdown: 0',
      'countdown: 3 gave 3',
      'countdown: 4 gave 4',
      'countdown: 5 gave 5',
      'missed 3',
    ]);
    expect(said(12)).toEqual(['register sum: 0', 'sum(100, 1)', 'nested: 101', 'sum(1, 2)', 'missed 1']);
  });

  it('that are registered twice are warned of', () => {
    const machine = ran(13);
    expect(logFrom(machine)).toContain('again: -22');
    expect(faults(machine).map(({ kind }) => kind)).toEqual(['warning']);
  });

  it('that are forgotten are left behind by name', () => {
    const { found } = ran(9).kernel.get(LeftBehinds);
    expect(found.map(({ kind, name }) => [kind, name])).toEqual([
      ['kprobe', 'sum'],
      ['kretprobe', 'kstrtouint'],
    ]);
  });

  it('with a handler that faults are an oops there', () => {
    const [fault] = faults(ran(14));
    expect(fault.at).toMatch(/^faulting\+/);
  });

  it('by address last until they are taken back', () => {
    expect(said(17).filter((line) => line.startsWith('pre'))).toEqual([
      'pre of an address: ip +1, di 8, si 9, in atomic 1',
      'pre of an address: ip +1, di 9, si 8, in atomic 1',
    ]);
  });
});

describe('ftrace functions', () => {
  it('are called for what their filter names, without registers unless they ask', () => {
    expect(said(15).filter((line) => !/^[-A-Z ]|^Modules/.test(line))).toEqual([
      'filter 0',
      'register 0',
      'traced: ip 1, parent 1, regs 0',
      'sum(1, 2)',
      '= 3',
      'unregister 0',
      'sum(1, 2)',
      '= 3',
      'unregister again -16',
    ]);
  });

  it('may replace a function, as live patches do', () => {
    expect(said(16)).toEqual([
      'filter 0',
      'register 0',
      'traced: ip 1, parent 1, regs 1',
      'other(6, 7)',
      '= 42',
      'unregister 0',
      'filter nothing 0',
      'filter unknown -22',
    ]);
  });
});
