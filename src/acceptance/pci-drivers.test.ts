import { describe, expect, it } from 'vitest';
import { runNow } from '../kernel/effects.js';
import { DiskFiles } from '../kmod/node/disk-files.js';
import { type PciSpec, SimulatedPciBus, type SimulatedPciDevice } from '../linux/testing/pci-device.js';
import { Machine } from '../machine/linux/machine.js';
import { DiskIndexCache } from '../machine/linux/node/index-cache.js';
import { loadBundled } from '../target/node/index.js';
import { corpusTree } from '../testing/corpus.js';
import { faults, logFrom } from './testing/machines.js';

const tree = await corpusTree();

/** QEMU's devices, as `-device pvpanic-pci -device i6300esb -device e1000` has them; they do nothing by themselves. */
const PVPANIC: PciSpec = {
  id: { vendor: 0x1b36, device: 0x0011, class: 0x088000, revision: 1 },
  bars: { 0: { size: 16, contents: [3] } },
};
const WATCHDOG: PciSpec = {
  id: { vendor: 0x8086, device: 0x25ab, class: 0x088000 },
  bars: { 0: { size: 16 } },
};
const E1000: PciSpec = {
  id: { vendor: 0x8086, device: 0x100e, class: 0x020000, revision: 3 },
  bars: { 0: { size: 0x2_0000 }, 1: { size: 64, io: true } },
  interrupts: { pin: 'A' },
};

function machineWithCard(spec: PciSpec, slot: number): { machine: Machine; card: SimulatedPciDevice } {
  const machine = Machine.boot({
    target: loadBundled(),
    files: new DiskFiles(tree!),
    indexCache: new DiskIndexCache(),
  });
  const { device } = runNow(new SimulatedPciBus(machine.kernel).plug(spec, slot));
  return { machine, card: device };
}

/** What the log says from the loading of a driver on, and of its removal. */
function lifeOf(machine: Machine, driver: string): { loaded: string[]; removed: string[] } {
  const before = machine.dmesg().length;
  machine.modprobe(driver);
  const between = machine.dmesg().length;
  const loaded = logFrom(machine, before).slice(0, between - before);
  machine.rmmod(driver.replace('-', '_'));
  return { loaded, removed: logFrom(machine, between) };
}

// The expected logs are those of the real kernel in QEMU with these devices, besides what it says of ACPI's interrupt links.
describe.skipIf(tree === undefined)('a driver of Debian’s kernel and the card that it is for', () => {
  it('pvpanic-pci finds what the host understands', () => {
    const { machine, card } = machineWithCard(PVPANIC, 2);
    expect(lifeOf(machine, 'pvpanic-pci')).toEqual({ loaded: [], removed: [] });
    expect([card.read(4, 2), faults(machine)]).toEqual([2, []]);
    expect(machine.leaks()).toEqual([]);
  });

  it('i6300esb has its registers, and gives them back', () => {
    const { machine } = machineWithCard(WATCHDOG, 3);
    const { loaded, removed } = lifeOf(machine, 'i6300esb');
    expect(loaded).toEqual(['i6300ESB timer 0000:00:03.0: initialized. heartbeat=30 sec (nowayout=0)']);
    expect([removed, faults(machine), machine.leaks()]).toEqual([[], [], []]);
  });

  it('e1000 gets as far as its network device, and complains of an EEPROM that says nothing', () => {
    const { machine, card } = machineWithCard(E1000, 4);
    const { loaded, removed } = lifeOf(machine, 'e1000');
    expect(loaded.slice(0, 3)).toEqual([
      'e1000: Intel(R) PRO/1000 Network Driver',
      'e1000: Copyright (c) 1999-2006 Intel Corporation.',
      'e1000 0000:00:04.0 0000:00:04.0 (uninitialized): The EEPROM Checksum Is Not Valid',
    ]);
    expect(loaded.slice(-2)).toEqual([
      'e1000 0000:00:04.0 eth0: (PCI:33MHz:32-bit) 00:00:00:00:00:00',
      'e1000 0000:00:04.0 eth0: Intel(R) PRO/1000 Network Connection',
    ]);
    // Enabled while it had a driver: its memory and ports answer still, its bus mastering is off again.
    expect(card.read(4, 2) & 7).toBe(3);
    expect([removed, faults(machine), machine.leaks()]).toEqual([[], [], []]);
  });
});
