import { describe, expect, it } from 'vitest';
import { Sysctls } from '../kern/sysctl.js';
import { Booted } from '../testing/booted.js';
import { ResourceManagers } from './rman.js';

describe('a bus with a resource manager of its own', () => {
  it('gives its child an interrupt line, and runs the handler that the child registered', () => {
    const machine = new Booted(['resources.ko']);
    machine.loaded('resources');
    expect(machine.log).toEqual([
      'mbirq0: <Bus with interrupt lines>',
      'mbirqchild0: <Child with an interrupt> on mbirq0',
      'mbirqchild0: irq 8',
    ]);
    const sysctls = machine.k.get(Sysctls);
    const raise = sysctls.tree.find('dev.mbirq.0.raise') ?? 0;
    const count = sysctls.tree.find('dev.mbirqchild.0.count') ?? 0;
    expect(machine.run(sysctls.request(raise, new Uint8Array([1, 0, 0, 0])))?.errno).toBe(0);
    expect(machine.run(sysctls.request(count))?.value[0]).toBe(1);
  });

  it('gives everything back when the module goes', () => {
    const machine = new Booted(['resources.ko']);
    const own = [...machine.k.get(ResourceManagers).holds()].length;
    const file = machine.loaded('resources');
    const kinds = [...machine.k.get(ResourceManagers).holds()].slice(own).map(({ kind }) => kind);
    expect(kinds).toEqual(['resource manager', 'resource']);
    expect(machine.unload(file)).toBe(0);
    expect([...machine.k.get(ResourceManagers).holds()].length).toBe(own);
    expect(machine.faults).toEqual([]);
  });
});

describe('a module with a software interrupt', () => {
  it('has it run in a thread, and leaves nothing behind', () => {
    const machine = new Booted(['softintr.ko']);
    const file = machine.loaded('softintr');
    expect(machine.log).toEqual(['softintr: ran 1, waited long']);
    expect(machine.unload(file)).toBe(0);
    expect(machine.faults).toEqual([]);
  });
});
