import { describe, expect, it } from 'vitest';
import { WithModules } from '../testing/with-modules.js';
import { Vnet } from './vnet.js';

describe('network stacks', () => {
  it('run what a module wants for each, with variables of its own', () => {
    const machine = new WithModules('vnetvar.ko');
    const vnet = machine.k.get(Vnet);
    const file = machine.load('vnetvar.ko');
    expect(machine.log).toEqual(['vnetvar: a stack comes: 8 0']);
    const second = machine.run(() => vnet.create());
    expect(machine.log.slice(1)).toEqual(['vnetvar: a stack comes: 8 0']);
    machine.run(() => vnet.destroy(second));
    expect(machine.log.slice(2)).toEqual(['vnetvar: a stack goes: 8']);
    expect(machine.unload(file)).toBe(0);
    expect(machine.log.slice(3)).toEqual(['vnetvar: a stack goes: 8']);
    expect(machine.faults).toEqual([]);
  });

  it('the current one is set while a file is loaded, and not after', () => {
    const machine = new WithModules('vnetvar.ko');
    machine.load('vnetvar.ko');
    expect(machine.k.get(Vnet).current).toBe(0);
  });

  it("each has the kernel's own variables apart", () => {
    const { k } = new WithModules();
    const vnet = k.get(Vnet);
    const machine = new WithModules();
    const second = machine.run(() => machine.k.get(Vnet).create());
    expect(machine.k.get(Vnet).variable('ifnet', second)).not.toBe(machine.k.get(Vnet).variable('ifnet'));
    expect(k.space.loadPtr(vnet.variable('ifnet'))).not.toBe(0);
    expect(machine.k.space.loadPtr(machine.k.get(Vnet).variable('ifnet', second))).toBe(0);
  });
});
