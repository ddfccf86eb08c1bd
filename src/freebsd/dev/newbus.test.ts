import { describe, expect, it } from 'vitest';
import { EBUSY } from '../errno.js';
import { Sysctls } from '../kern/sysctl.js';
import { Booted } from '../testing/booted.js';
import { BusTree } from './bus-tree.js';
import { Devctl } from './devctl.js';

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes).replace(/\0$/, '');

function sysctl(machine: Booted, path: string): string | undefined {
  const sysctls = machine.k.get(Sysctls);
  const oid = sysctls.tree.find(path);
  return oid === undefined ? undefined : text(machine.run(sysctls.request(oid))?.value);
}

describe('the tree of devices', () => {
  it('has nexus0 below root0, and an empty PCI bus', () => {
    const names = new Booted([]).k.get(BusTree).all.map(({ nameunit }) => nameunit);
    expect(names).toEqual(['root0', 'nexus0', 'pcib0', 'pci0']);
  });
});

describe('a bus driver with a child', () => {
  it('identifies, probes and attaches both, and prints what the kernel prints', () => {
    const machine = new Booted(['newbus.ko']);
    machine.loaded('newbus');
    expect(machine.log).toEqual([
      'modboxbus0: <Bus of modbox>',
      'modboxchild0: <Child number 42> on modboxbus0',
      'modboxchild0: attached, number 42',
    ]);
    expect(machine.faults).toEqual([]);
  });

  it('gives the child sysctl nodes of its own and those of every device', () => {
    const machine = new Booted(['newbus.ko']);
    machine.loaded('newbus');
    expect(sysctl(machine, 'dev.modboxchild.0.%desc')).toBe('Child number 42');
    expect(sysctl(machine, 'dev.modboxchild.0.%driver')).toBe('modboxchild');
    expect(sysctl(machine, 'dev.modboxchild.0.%location')).toBe('number=42');
    expect(sysctl(machine, 'dev.modboxchild.0.%parent')).toBe('modboxbus0');
    expect(sysctl(machine, 'dev.modboxchild.%parent')).toBe('');
    expect(machine.k.get(Sysctls).tree.find('dev.modboxchild.0.ticks')).toBeDefined();
  });

  it('detaches when the module goes, and leaves nothing but the device without a driver', () => {
    const machine = new Booted(['newbus.ko']);
    const file = machine.loaded('newbus');
    machine.settle(250);
    expect(machine.unload(file)).toBe(0);
    expect(machine.log.slice(3)).toEqual([
      'modboxchild0: detached',
      'modboxchild0: detached',
      'modboxbus0: detached',
    ]);
    const left = machine.k.get(BusTree).all.map(({ nameunit, driver }) => [nameunit, driver !== 0]);
    expect(left).toEqual([
      ['root0', true],
      ['nexus0', true],
      ['pcib0', true],
      ['pci0', true],
      ['modboxbus0', false],
    ]);
    expect(machine.k.get(Sysctls).tree.find('dev.modboxchild.0')).toBeUndefined();
    expect(machine.faults).toEqual([]);
  });

  it('can be loaded again: the device is found by its name', () => {
    const machine = new Booted(['newbus.ko']);
    machine.unload(machine.loaded('newbus'));
    machine.loaded('newbus');
    expect(machine.log.slice(-3)[0]).toBe('modboxbus0: <Bus of modbox>');
  });

  it('is told to devd', () => {
    const machine = new Booted(['newbus.ko']);
    machine.unload(machine.loaded('newbus'));
    const { notices } = machine.k.get(Devctl);
    const about = notices.filter((line) => line.includes('modboxchild0'));
    expect(about).toEqual([
      '+modboxchild0 at number=42 on modboxbus0',
      '-modboxchild0 at number=42 on modboxbus0',
    ]);
  });
});

describe('a driver below nexus', () => {
  it('runs the chained event handler and attaches unit 0', () => {
    const machine = new Booted(['nexusdev.ko']);
    machine.loaded('nexusdev');
    expect(machine.log).toEqual([
      'nexusdev: chained event 0',
      'nexusdev0: <Device without hardware>',
      'nexusdev0: unit 0 of nexus0',
    ]);
  });

  it('is not unloaded while its device does not let go', () => {
    const machine = new Booted(['nexusdev.ko']);
    const file = machine.loaded('nexusdev');
    const sysctls = machine.k.get(Sysctls);
    const busy = sysctls.tree.find('hw.nexusdev_busy') ?? 0;
    machine.run(sysctls.request(busy, new Uint8Array([1, 0, 0, 0])));
    expect(machine.unload(file)).toBe(EBUSY);
    machine.run(sysctls.request(busy, new Uint8Array(4)));
    expect(machine.unload(file)).toBe(0);
    expect(machine.log.slice(3)).toEqual(['nexusdev0: detached', 'nexusdev: chained event 1']);
  });

  it('leaves a device alone that hints disable', () => {
    const environment = new Map([['hint.nexusdev.0.disabled', '1']]);
    const machine = new Booted(['nexusdev.ko'], { environment });
    machine.loaded('nexusdev');
    expect(machine.log).toEqual(['nexusdev: chained event 0']);
  });

  it('skips units that hints put elsewhere', () => {
    const environment = new Map([['hint.nexusdev.0.at', 'isa']]);
    const machine = new Booted(['nexusdev.ko'], { environment });
    machine.loaded('nexusdev');
    expect(machine.log[1]).toBe('nexusdev1: <Device without hardware>');
  });
});

describe('a devclass in memory', () => {
  /** struct devclass and struct driverlink: where the drivers, and the next one, are. */
  const [DRIVERS, NEXT] = [24, 8];

  it('has the list of its drivers, which modules may change the order of', () => {
    const machine = new Booted(['nexusdev.ko']);
    machine.loaded('nexusdev');
    const { k } = machine;
    const nexus = k.get(BusTree).classes.get('nexus');
    if (!nexus) throw new Error('there is no class nexus');
    const { space } = k;
    const first = space.loadPtr(nexus.handle + DRIVERS);
    const second = space.loadPtr(first + NEXT);
    const [one, other] = [first, second].map((link) => space.loadPtr(link));
    expect(nexus.drivers.all.slice(0, 2).map(({ driver }) => driver)).toEqual([one, other]);
    space.storePtr(first, other);
    space.storePtr(second, one);
    expect(nexus.drivers.all.slice(0, 2).map(({ driver }) => driver)).toEqual([other, one]);
  });
});
