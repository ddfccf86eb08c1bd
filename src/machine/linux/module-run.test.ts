import { describe, expect, it } from 'vitest';
import { machineWith, ownModule } from '../../acceptance/testing/machines.js';
import { ModuleFile } from '../../formats/module-file.js';
import { MemoryFiles } from '../../kmod/index.js';
import { loadBundled } from '../../target/node/index.js';
import type { RunReport } from '../run-report.js';
import { Machine } from './machine.js';
import { runModule } from './module-run.js';

function run(
  name: string,
  parameters: readonly string[] = [],
  path = `/${name}.ko`,
  machine = machineWith([]),
): RunReport {
  const subject = { kind: 'file', file: new ModuleFile(path, ownModule(name)) } as const;
  return runModule(machine, subject, { parameters, now: () => 0, bootMs: 0 });
}

function treeWith(files: readonly (readonly [string, string | Uint8Array])[]): Machine {
  const target = loadBundled();
  const below = `/lib/modules/${target.release}/`;
  return Machine.boot({
    target,
    files: new MemoryFiles(files.map(([path, data]) => [`${below}${path}`, data])),
  });
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

  it('loads what it needs, and takes that out again', () => {
    const report = run(
      'importer',
      [],
      'build/importer.ko',
      treeWith([['extra/exporter.ko', ownModule('exporter')]]),
    );
    expect(report.modprobe).toEqual({
      exit: 0,
      insmod: ['extra/exporter.ko', 'build/importer.ko'],
      stderr: [],
    });
    expect(report).toMatchObject({ remove: { exit: 0, rmmod: ['importer', 'exporter'] }, left: [] });
  });

  it('is asked of modprobe, which reads modprobe.d', () => {
    const machine = treeWith([['../../../etc/modprobe.d/mine.conf', 'options hello count=2\n']]);
    const report = run('hello', ['whom=you'], 'hello.ko', machine);
    expect(report.modprobe.insmod).toEqual(['hello.ko count=2 whom=you']);
    expect(report.dmesg.filter((line) => line.includes('you'))).toHaveLength(2);
  });

  it('says that a module of its name is there already', () => {
    const machine = machineWith([]);
    machine.insmod(ownModule('hello'));
    expect(run('hello', [], 'hello.ko', machine)).toMatchObject({
      errno: null,
      modprobe: { exit: 1, stderr: ["modprobe: ERROR: could not insert 'hello': Module already in kernel"] },
      left: ['hello'],
    });
  });
});
