import type { Ptr } from '../../../cpu/layout.js';
import type { LinuxKernel } from '../../kernel.js';
import type { SysfsDirectory } from '../../kobject/sysfs/node.js';
import { Sysfs } from '../../kobject/sysfs/sysfs.js';
import { Uevents } from '../../kobject/uevent.js';
import { DriverOverride } from '../base/driver-override.js';
import { regionOf } from './pci-dev.js';

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');
const capitals = (value: number, digits: number): string => hex(value, digits).toUpperCase();

/** `pci:v00001B36d...`, which modules' aliases are compared with. */
function modalias(k: LinuxKernel, pdev: Ptr): string {
  const type = k.struct('pci_dev');
  const word = (letter: string, member: string): string => `${letter}${capitals(type.get(pdev, member), 8)}`;
  const cls = type.get(pdev, 'class');
  const parts = `bc${capitals(cls >>> 16, 2)}sc${capitals((cls >>> 8) & 0xff, 2)}i${capitals(cls & 0xff, 2)}`;
  return `pci:${word('v', 'vendor')}${word('d', 'device')}${word('sv', 'subsystem_vendor')}${word('sd', 'subsystem_device')}${parts}`;
}

/** What a device shows of itself in its directory (Documentation/ABI/testing/sysfs-bus-pci). */
export function addPciFiles(k: LinuxKernel, device: Ptr, directory: SysfsDirectory): void {
  const type = k.struct('pci_dev');
  const pdev = type.of(device, 'dev');
  const show = (name: string, text: () => string): void =>
    void k.get(Sysfs).addText(directory, name, 0o444, () => `${text()}\n`);
  for (const name of ['vendor', 'device', 'subsystem_vendor', 'subsystem_device'])
    show(name, () => `0x${hex(type.get(pdev, name), 4)}`);
  show('revision', () => `0x${hex(type.get(pdev, 'revision'), 2)}`);
  show('class', () => `0x${hex(type.get(pdev, 'class'), 6)}`);
  show('irq', () => String(type.get(pdev, 'irq')));
  show('enable', () => String(type.get(pdev, 'enable_cnt.counter')));
  show('modalias', () => modalias(k, pdev));
  show('resource', () => resourceLines(k, pdev));
  k.get(DriverOverride).addFile(directory, device, 'pci_dev');
}

function resourceLines(k: LinuxKernel, pdev: Ptr): string {
  const type = k.struct('resource');
  return Array.from({ length: k.enumValue('PCI_BRIDGE_RESOURCES') }, (_, index) => {
    const { at, start, flags } = regionOf(k, pdev, index);
    return `0x${hex(start, 16)} 0x${hex(type.getBig(at, 'end'), 16)} 0x${hex(flags, 16)}`;
  }).join('\n');
}

/** pci_uevent(): what udev is told of a device. */
export function addPciVariables(k: LinuxKernel, device: Ptr, env: Ptr): void {
  const type = k.struct('pci_dev');
  const pdev = type.of(device, 'dev');
  const id = (a: string, b: string): string =>
    `${capitals(type.get(pdev, a), 4)}:${capitals(type.get(pdev, b), 4)}`;
  const variables = [
    `PCI_CLASS=${type.get(pdev, 'class').toString(16).toUpperCase().padStart(4, '0')}`,
    `PCI_ID=${id('vendor', 'device')}`,
    `PCI_SUBSYS_ID=${id('subsystem_vendor', 'subsystem_device')}`,
    `PCI_SLOT_NAME=${type.string(pdev, 'dev.kobj.name')}`,
    `MODALIAS=${modalias(k, pdev)}`,
  ];
  for (const variable of variables) k.get(Uevents).addVar(env, variable);
}
