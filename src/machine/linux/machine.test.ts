import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../kmod/index.js';
import { loadBundled } from '../../target/node/index.js';
import { MachineError } from '../errors.js';
import { Machine } from './machine.js';
import { runModule } from './module-run.js';

const MODULES = fileURLToPath(new URL('../../../tests/modules/', import.meta.url));
const module = (name: string): Uint8Array => readFileSync(`${MODULES}${name}.ko`);
const RELEASE = '6.1.0-53-amd64';

function boot(...names: string[]): Machine {
  const files = names.map((name) => [`/lib/modules/${RELEASE}/extra/${name}.ko`, module(name)] as const);
  return Machine.boot({ target: loadBundled(), files: new MemoryFiles(files) });
}

const log = (machine: Machine): string[] => machine.dmesg().map(({ text }) => text);

describe('a machine', () => {
  it('loads, lists and removes a module', () => {
    const machine = boot();
    machine.insmod(module('hello'), 'whom=library');
    expect(machine.lsmod()).toMatchObject([{ name: 'hello', size: 16384, refcnt: 0, state: 'Live' }]);
    machine.rmmod('hello');
    expect(machine.lsmod()).toEqual([]);
    expect(log(machine).filter((line) => line.startsWith('hello: Hello'))).toEqual([
      'hello: Hello, library.',
    ]);
  });

  it('loads a module by name with what it depends on, and removes both', () => {
    const machine = boot('importer', 'exporter');
    machine.modprobe('importer');
    expect(machine.lsmod().map(({ name }) => name)).toEqual(['importer', 'exporter']);
    machine.modprobeRemove('importer');
    expect(machine.lsmod()).toEqual([]);
  });

  it('calls a function of a module', () => {
    const machine = boot('exporter');
    machine.modprobe('exporter');
    const total = Number(BigInt.asIntN(32, machine.call('modbox_add', 40)));
    expect(Number(BigInt.asIntN(32, machine.call('modbox_add', 2)))).toBe(total + 2);
    expect(() => machine.call('no_such_function')).toThrow(
      'no loaded module has a function no_such_function',
    );
  });

  it('says why it refuses, with the errno', () => {
    const machine = boot();
    expect(() => machine.insmod(new Uint8Array(100), '', 'junk.ko')).toThrow(MachineError);
    try {
      machine.insmod(module('initfail'), 'error=16');
    } catch (error) {
      expect((error as MachineError).code).toBe('EBUSY');
    }
    expect(() => machine.modprobe('nothing')).toThrow(
      `modprobe: FATAL: Module nothing not found in directory /lib/modules/${RELEASE}`,
    );
    expect(() => machine.rmmod('nothing')).toThrow('rmmod: ERROR: Module nothing is not currently loaded');
  });

  it('reads and writes files', () => {
    const machine = boot();
    machine.insmod(module('hello'), 'count=2');
    const file = '/sys/module/hello/parameters/count';
    expect(machine.fs.readText(file)).toBe('2\n');
    machine.fs.writeFile(file, '7\n');
    expect(machine.fs.readText(file)).toBe('7\n');
    expect(() => machine.fs.readFile('/nothing')).toThrow('No such file or directory');
  });
});

describe('a run', () => {
  const run = (name: string, machine = boot(name)): ReturnType<typeof runModule> =>
    runModule(machine, { kind: 'name', name }, { now: () => 0, bootMs: 0 });

  it('reports what a module did', () => {
    expect(run('hello')).toMatchObject({
      module: 'hello',
      modprobe: { exit: 0, insmod: ['extra/hello.ko'], stderr: [] },
      modules: [
        { name: 'hello', size: 16384, refcnt: 0, usedBy: [], permanent: false, state: 'Live', taints: 'OE' },
      ],
      tainted: 12288,
      remove: { exit: 0, rmmod: ['hello'], stderr: [] },
      dmesgAfterRemove: ['hello: Goodbye, world.'],
      left: [],
      errno: null,
      faults: [],
      leaks: [],
      unbound: [],
      leftBehind: [],
    });
  });

  it.each([
    ['faulty_leak_kmalloc', 'slab'],
    ['faulty_leak_vmalloc', 'vmalloc'],
    ['faulty_leak_pages', 'pages'],
  ])('finds what %s does not give back', (name, kind) => {
    const { leaks, memory } = run(name);
    expect(leaks.length).toBeGreaterThan(0);
    expect(leaks[0].kind).toBe(kind);
    expect(leaks[0].allocatedBy).toMatch(new RegExp(`^\\w+\\+0x\\w+/0x\\w+ \\[${name}\\]$`));
    expect(memory.heapLeftBytes).toBe(leaks.reduce((sum, leak) => sum + leak.bytes, 0));
  });

  it('reports a fault and goes on', () => {
    const machine = boot('faulty_null_read', 'hello');
    const report = run('faulty_null_read', machine);
    expect(report.modprobe.exit).toBe(137);
    expect(report.faults).toMatchObject([{ kind: 'null-dereference', module: 'faulty_null_read' }]);
    expect(report.faults[0].trace[0]).toMatch(/^faulty_init\+/);
    machine.modprobe('hello');
    expect(machine.lsmod()[0].name).toBe('hello');
  });

  it('is the same each time', () => {
    const once = run('workq_timer');
    expect(run('workq_timer')).toEqual(once);
  });
});
