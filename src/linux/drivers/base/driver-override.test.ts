import { beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { runNow } from '../../../kernel/effects.js';
import { loadBundled } from '../../../target/node/index.js';
import { LinuxKernel } from '../../kernel.js';
import { SysfsAttribute } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { PlatformDevices } from '../platform/platform-device.js';
import { PlatformDrivers } from '../platform/platform-driver.js';
import { DriverBinding } from './dd.js';
import { RuntimePm } from './pm-runtime.js';
import { RuntimePmExports } from './pm-runtime-exports.js';

describe('a platform device', () => {
  let k: LinuxKernel;
  let device: Ptr;
  let probed: Ptr[];

  beforeEach(() => {
    k = new LinuxKernel(loadBundled());
    probed = [];
    const pdev = k.get(PlatformDevices).allocate('gadget', -1);
    expect(runNow(k.get(PlatformDevices).add(pdev))).toBe(0);
    device = k.struct('platform_device').addr(pdev, 'dev');
  });

  function file(name: string) {
    const node = k.get(Sysfs).root.find(`devices/platform/gadget/${name}`);
    if (!(node instanceof SysfsAttribute)) throw new Error(`no file ${name}`);
    return node.source;
  }

  function show(name: string): string {
    const page = k.pages.takePages(4096, 4096);
    runNow(file(name).show!(page));
    return k.space.cstring(page);
  }

  function store(name: string, text: string): number {
    const page = k.pages.takePages(4096, 4096);
    k.space.storeCstring(page, text);
    return runNow(file(name).store!(page, text.length));
  }

  function registerDriver(name: string): void {
    const type = k.struct('platform_driver');
    const driver = k.permanent(type.size);
    type.set(driver, 'driver.name', k.constantString(name));
    type.bind(driver, 'probe', `probe_${name}`, (pdev: Ptr) => {
      probed.push(pdev);
      return 0;
    });
    expect(runNow(k.get(PlatformDrivers).register(driver, 0))).toBe(0);
  }

  it('shows in sysfs what it is and which driver it is kept for', () => {
    expect(show('modalias')).toBe('platform:gadget\n');
    expect(show('driver_override')).toBe('(null)\n');
    expect(store('driver_override', 'widget\n')).toBe(7);
    expect(show('driver_override')).toBe('widget\n');
    expect(store('driver_override', '\n')).toBe(1);
    expect(show('driver_override')).toBe('(null)\n');
  });

  it('binds no other driver than the one it is kept for', () => {
    store('driver_override', 'widget');
    registerDriver('gadget');
    expect(probed).toEqual([]);
    registerDriver('widget');
    expect(probed).toHaveLength(1);
  });

  it('binds by its name again once it is free', () => {
    store('driver_override', 'widget');
    registerDriver('gadget');
    store('driver_override', '');
    runNow(k.get(DriverBinding).attachDevice(device));
    expect(probed).toHaveLength(1);
  });

  it('that is deleted is not suspended by a request from before', () => {
    const suspended: Ptr[] = [];
    const ops = k.permanent(k.sizeOf('dev_pm_ops'));
    k.struct('dev_pm_ops').bind(ops, 'runtime_suspend', 'test_suspend', (at: Ptr) => {
      suspended.push(at);
      return 0;
    });
    const domain = k.permanent(k.sizeOf('dev_pm_domain'));
    k.space.bytes.copyWithin(
      k.struct('dev_pm_domain').addr(domain, 'ops'),
      ops,
      ops + k.sizeOf('dev_pm_ops'),
    );
    k.struct('device').set(device, 'pm_domain', domain);
    k.get(RuntimePm).set(device, 'RPM_ACTIVE');
    k.get(RuntimePmExports).exports.pm_runtime_enable(device);
    runNow(k.get(RuntimePm).idle(device, 1));
    runNow(k.get(PlatformDevices).unregister(k.struct('platform_device').of(device, 'dev')));
    k.scheduler.settle(1e9);
    expect(suspended).toEqual([]);
  });
});
