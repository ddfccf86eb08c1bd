import { describe, expect, it } from 'vitest';
import { machineWith, ownModule } from '../acceptance/testing/machines.js';
import { runModule } from './module-run.js';
import type { RunReport } from './run-report.js';

function run(name: string, parameters: readonly string[] = [], path = `/${name}.ko`): RunReport {
  const machine = machineWith([]);
  const subject = { kind: 'file', path, bytes: ownModule(name) } as const;
  return runModule(machine, subject, { parameters, now: () => 0, bootMs: 0 });
}

describe('a run of a file', () => {
  it('unloads a module whose file has another name', () => {
    const report = run('hello', [], '/other.ko');
    expect(report).toMatchObject({ module: 'hello', left: [], remove: { exit: 0, rmmod: ['hello'] } });
    expect(report.dmesgAfterRemove).toContain('hello: Goodbye, world.');
  });

  it('names drivers that found no device, and the ids that they wait for', () => {
    const ids = ['pci:v00000001d00000001sv*sd*bc*sc*i*'];
    expect(run('forget', ['mode=13']).unbound).toEqual([{ driver: 'forgot', bus: 'pci', ids }]);
    expect(run('forget', ['mode=11']).unbound).toEqual([
      { driver: 'forgot', bus: 'platform', ids: ['platform:forgot'] },
    ]);
    expect(run('hello').unbound).toEqual([]);
  });

  it('finds a module that took itself out of the list of modules, which nobody can remove', () => {
    const report = run('k_hide');
    expect(report.modules).toEqual([]);
    expect(report.faults).toMatchObject([{ kind: 'hidden-module', module: 'k_hide' }]);
    expect(report.remove).toMatchObject({ exit: 1 });
  });

  it('names the references that a module has to itself, which keep it', () => {
    const report = run('forget', ['mode=28']);
    expect(report.remove.exit).toBe(1);
    expect(report.leftBehind).toMatchObject([{ kind: 'module reference', name: 'forget' }]);
  });
});
