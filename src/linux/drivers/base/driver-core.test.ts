import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { runNow } from '../../../kernel/effects.js';
import { loadBundled } from '../../../target/node/index.js';
import { EBUSY, ENODEV, EPROBE_DEFER } from '../../errno.js';
import { LinuxKernel } from '../../kernel.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { PlatformDevices } from '../platform/platform-device.js';
import { PlatformDrivers } from '../platform/platform-driver.js';
import { Resources } from '../resource/resource.js';
import { Devices } from './core.js';
import { DriverBinding } from './dd.js';
import { Devres } from './devres.js';
import { createDevice, registerBuiltinClass } from './host-class.js';

let k: LinuxKernel;
let functions = 0;

beforeEach(() => {
  k = new LinuxKernel(loadBundled());
});

const exists = (path: string): boolean => k.get(Sysfs).root.find(path) !== undefined;

/** A platform driver whose probe is a TypeScript function. */
function platformDriver(name: string, probe: (pdev: Ptr) => number): Ptr {
  const type = k.struct('platform_driver');
  const driver = k.permanent(type.size);
  type.set(driver, 'driver.name', k.constantString(name));
  type.bind(driver, 'probe', `test_probe_${functions++}`, probe);
  return driver;
}

const register = (driver: Ptr): number => runNow(k.get(PlatformDrivers).register(driver, 0));

function platformDevice(name: string): Ptr {
  const devices = k.get(PlatformDevices);
  const pdev = devices.allocate(name, -1);
  expect(runNow(devices.add(pdev))).toBe(0);
  return pdev;
}

describe('devices of a class', () => {
  it('appear in sysfs and leave nothing behind', () => {
    const cls = registerBuiltinClass(k, 'gadget');
    const warm = runNow(createDevice(k, cls, { parent: 0, data: 0, name: 'gadget9' }));
    runNow(k.get(Devices).unregister(warm));
    const before = k.ledger.bytes;
    const device = runNow(createDevice(k, cls, { parent: 0, data: 0, name: 'gadget0' }));
    expect(exists('class/gadget/gadget0')).toBe(true);
    expect(exists('devices/virtual/gadget/gadget0/uevent')).toBe(true);
    runNow(k.get(Devices).unregister(device));
    expect(exists('class/gadget/gadget0')).toBe(false);
    expect(exists('devices/virtual/gadget')).toBe(false);
    expect(k.ledger.bytes).toBe(before);
  });

  it('complain without a release function', () => {
    const type = k.struct('device');
    const device = k.permanent(type.size);
    k.get(Devices).initialize(device);
    k.get(Devices).setName(device, 'orphan');
    expect(runNow(k.get(Devices).add(device))).toBe(0);
    runNow(k.get(Devices).unregister(device));
    expect(k.log.linesFrom(0).join('\n')).toContain(
      "Device 'orphan' does not have a release() function, it is broken and must be fixed.",
    );
  });
});

describe('binding', () => {
  it('probes devices that were there first, and those that come later', () => {
    const probed: Ptr[] = [];
    const first = platformDevice('widget');
    const driver = platformDriver('widget', (pdev) => {
      probed.push(pdev);
      return 0;
    });
    expect(register(driver)).toBe(0);
    expect(probed).toEqual([first]);
    expect(exists('bus/platform/drivers/widget/widget')).toBe(true);
    expect(exists('devices/platform/widget/driver')).toBe(true);
    runNow(k.get(PlatformDrivers).unregister(driver));
    expect(exists('bus/platform/drivers/widget')).toBe(false);
    expect(k.struct('platform_device').get(first, 'dev.driver')).toBe(0);
  });

  it('logs a probe that fails, but not one that finds nothing', () => {
    platformDevice('widget');
    register(platformDriver('widget', () => -ENODEV));
    expect(k.log.linesFrom(0).join('\n')).not.toContain('probe of widget');
    platformDevice('gizmo');
    register(platformDriver('gizmo', () => -5));
    expect(k.log.linesFrom(0)).toContain('gizmo: probe of gizmo failed with error -5');
  });

  it('tries a deferred device again when another driver has bound', () => {
    let ready = false;
    const pdev = platformDevice('late');
    platformDevice('early');
    register(platformDriver('late', () => (ready ? 0 : -EPROBE_DEFER)));
    const device = k.struct('platform_device').addr(pdev, 'dev');
    expect(k.get(DriverBinding).isBound(device)).toBe(false);
    ready = true;
    register(platformDriver('early', () => 0));
    expect(k.get(DriverBinding).isBound(device)).toBe(true);
  });

  it('refuses a second driver of the same name', () => {
    expect(register(platformDriver('widget', () => 0))).toBe(0);
    expect(register(platformDriver('widget', () => 0))).toBe(-EBUSY);
    expect(k.log.linesFrom(0)).toContain("Error: Driver 'widget' is already registered, aborting...");
  });
});

describe('managed resources', () => {
  it('go in the opposite order, when the driver leaves', () => {
    const order: number[] = [];
    platformDevice('widget');
    const driver = platformDriver('widget', (pdev) => {
      const device = k.struct('platform_device').addr(pdev, 'dev');
      for (const number of [1, 2, 3])
        k.get(Devres).addHost(device, number, (_device, data) => void order.push(data));
      return 0;
    });
    register(driver);
    expect(order).toEqual([]);
    runNow(k.get(PlatformDrivers).unregister(driver));
    expect(order).toEqual([3, 2, 1]);
  });
});

describe('the resource tree', () => {
  it('gives a region to one only', () => {
    const resources = k.get(Resources);
    const root = k.symbol('ioport_resource');
    const name = k.constantString('test');
    const region = resources.requestRegion(root, 0x300n, 8n, name, 0);
    expect(region).not.toBe(0);
    expect(resources.requestRegion(root, 0x304n, 8n, name, 0)).toBe(0);
    expect(resources.requestRegion(root, 0x40n, 2n, name, 0)).toBe(0);
    resources.releaseRegion(root, 0x300n, 8n);
    expect(resources.requestRegion(root, 0x304n, 8n, name, 0)).not.toBe(0);
    resources.releaseRegion(root, 0x500n, 4n);
    expect(k.log.linesFrom(0).at(-1)).toBe(
      'resource: Trying to free nonexistent resource <0x0000000000000500-0x0000000000000503>',
    );
  });
});
