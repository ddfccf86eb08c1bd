import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Ptr } from '../../../cpu/layout.js';
import { EBUSY, EINVAL, ENOSPC } from '../../errno.js';
import { type Guest, guest } from '../../testing/guest.js';
import { type PciSpec, SimulatedPciBus, type SimulatedPciDevice } from '../../testing/pci-device.js';
import { Devres } from '../base/devres.js';
import { Resources } from '../resource/resource.js';
import { MsiVectors } from './msi-vectors.js';
import { deviceOfPci } from './pci-dev.js';

const COMMAND = 4;
const MASTER = 4;
const INTX_OFF_HIGH = 4;
const POWER = 1;
const MSI = 5;
const D3HOT = 3;
const PCI_IRQ_LEGACY = 1;
const PCI_IRQ_MSI = 2;
const PCI_IRQ_MSIX = 4;

const CARD: PciSpec = {
  id: { vendor: 0x1234, device: 0x11e8, class: 0x00ff00, revision: 0x10 },
  bars: { 0: { size: 0x1000, contents: [0xed, 0, 0, 1] }, 2: { size: 32, io: true }, 4: { size: 0x4000 } },
  interrupts: { pin: 'A', msi: 4, msix: { vectors: 8, bar: 4 } },
  power: true,
  express: true,
};

let g: Guest;
let bus: SimulatedPciBus;
let slot = 3;
let card: SimulatedPciDevice;
let pdev: Ptr;
let name: Ptr;
let mark: number;

const member = (path: string): number => g.k.struct('pci_dev').get(pdev, path);
let seen: number;
/** What was logged since the test began. */
const log = (): string[] => [...g.k.log.linesFrom(seen)].filter((line) => line !== '');
const me = (): string => `pci ${g.k.struct('pci_dev').string(pdev, 'dev.kobj.name')}`;
const command = (): number => card.read(COMMAND, 2);

/** The driver goes: what is managed is given back. */
const driverGoes = (): void => g.run(() => g.k.get(Devres).releaseAll(deviceOfPci(g.k, pdev)));
/** What is still allocated of what a test's driver took. */
const left = (): readonly string[] =>
  g.k.ledger.since(mark).flatMap(({ kind }) => (kind === 'stack' ? [] : [kind]));

/** Names of the resources in a tree. */
function owners(root: string): string[] {
  const type = g.k.struct('resource');
  const below = (at: Ptr): string[] =>
    g.k
      .get(Resources)
      .children(at)
      .flatMap((child) => [type.string(child, 'name'), ...below(child)]);
  return below(g.k.symbol(root));
}

beforeAll(() => {
  g = guest();
  bus = new SimulatedPciBus(g.k);
  name = g.k.constantString('driver');
});

beforeEach(() => {
  seen = g.k.log.next;
  ({ device: card, pdev } = g.run(() => bus.plug(CARD, slot++)));
  g.reports();
  mark = g.k.ledger.mark;
});

describe('a PCI device that is found', () => {
  it('is what its configuration space says, with its regions in the tree of resources', () => {
    expect([member('vendor'), member('device'), member('class'), member('revision')]).toEqual([
      0x1234, 0x11e8, 0xff00, 0x10,
    ]);
    expect(log()).toEqual([
      `${me()}: [1234:11e8] type 00 class 0x00ff00`,
      `${me()}: BAR 0 [mem 0xfe000000-0xfe000fff]`,
      `${me()}: BAR 2 [io  0xc000-0xc01f]`,
      `${me()}: BAR 4 [mem 0xfe004000-0xfe007fff]`,
    ]);
    expect(owners('iomem_resource')).toContain('0000:00:03.0');
  });

  it('is found again by its ids and its place', () => {
    expect(g.call.pci_get_device(0x1234, 0x11e8, 0)).not.toBe(0);
    expect(g.call.pci_get_device(0x1234, 0x9999, 0)).toBe(0);
    expect(g.call.pci_get_domain_bus_and_slot(0, 0, (slot - 1) * 8)).toBe(pdev);
    g.call.pci_dev_put(pdev);
  });

  it('has its capabilities', () => {
    expect(g.call.pci_find_capability(pdev, POWER)).toBe(member('pm_cap'));
    expect([g.call.pci_find_capability(pdev, MSI), member('msi_cap')]).toEqual([0x48, 0x48]);
    expect(g.call.pci_find_capability(pdev, 0x13)).toBe(0);
  });
});

describe('enabling a device', () => {
  it('turns on what it decodes, says so, and counts who wants it', () => {
    card.write(COMMAND, 2, 0);
    expect(g.call.pci_enable_device(pdev)).toBe(0);
    expect(log().at(-1)).toBe(`${me()}: enabling device (0000 -> 0003)`);
    expect(command() & 3).toBe(3);
    g.call.pci_enable_device(pdev);
    g.call.pci_set_master(pdev);
    g.call.pci_disable_device(pdev);
    expect([member('enable_cnt.counter'), command() & MASTER]).toEqual([1, MASTER]);
    g.call.pci_disable_device(pdev);
    expect([member('enable_cnt.counter'), command() & MASTER, member('is_busmaster')]).toEqual([0, 0, 0]);
    g.call.pci_disable_device(pdev);
    expect(g.reports().map(({ message }) => message)).toEqual([`${me()}: disabling already-disabled device`]);
  });

  it('of memory alone leaves ports off', () => {
    card.write(COMMAND, 2, 0);
    g.call.pci_enable_device_mem(pdev);
    expect(command() & 3).toBe(2);
  });

  it('is not for a region that has no place', () => {
    const bar = g.k.struct('pci_dev').addr(pdev, 'resource');
    g.call.release_resource(bar);
    expect(g.call.pci_enable_device(pdev)).toBe(-EINVAL);
    expect(log().at(-1)).toMatch(/: BAR 0 \[mem 0x\w+-0x\w+\]: not claimed; can't enable device$/);
    expect(member('enable_cnt.counter')).toBe(0);
  });

  it('knows which BARs are of a kind', () => {
    expect([g.call.pci_select_bars(pdev, 0x200), g.call.pci_select_bars(pdev, 0x100)]).toEqual([
      0b10001, 0b100,
    ]);
  });
});

describe('the regions of a device', () => {
  it('are its driver’s, all or none', () => {
    expect(g.call.pci_request_regions(pdev, name)).toBe(0);
    expect(owners('ioport_resource')).toContain('driver');
    expect(g.call.pci_request_region(pdev, 4, name)).toBe(-EBUSY);
    expect(log().at(-1)).toMatch(/: BAR 4: can't reserve \[mem 0x\w+-0x\w+\]$/);
    g.call.pci_release_regions(pdev);
    expect(owners('ioport_resource')).not.toContain('driver');
    g.call.pci_request_region(pdev, 4, name);
    expect(g.call.pci_request_regions(pdev, name)).toBe(-EBUSY);
    expect(owners('ioport_resource')).not.toContain('driver');
    g.call.pci_release_region(pdev, 4);
    expect(left()).toEqual([]);
  });

  it('are mapped, memory as addresses and ports as cookies', () => {
    const registers = g.call.pci_iomap(pdev, 0, 0);
    expect(g.k.space.load32(registers)).toBe(0x0100_00ed);
    g.k.space.store32(registers + 8, 0x1234);
    g.call.pci_iounmap(pdev, registers);
    const again = g.call.pci_ioremap_bar(pdev, 0);
    expect(g.k.space.load32(again + 8)).toBe(0x1234);
    g.call.iounmap(again);
    expect(g.call.pci_iomap(pdev, 2, 0)).toBeLessThan(0x4_0000);
    expect(g.call.pci_iomap(pdev, 1, 0)).toBe(0);
    expect(g.call.pci_ioremap_bar(pdev, 2)).toBe(0);
    expect(log().at(-1)).toMatch(/: can't ioremap BAR 2: \[io {2}0x\w+-0x\w+\]$/);
    expect(left()).toEqual([]);
  });
});

describe('a managed device', () => {
  it('is mapped by a table, and given back whole when its driver goes', () => {
    expect(g.call.pcim_enable_device(pdev)).toBe(0);
    expect(g.call.pcim_iomap_regions(pdev, 0b10001, name)).toBe(0);
    const table = g.call.pcim_iomap_table(pdev);
    expect(g.k.space.load32(g.k.space.loadPtr(table))).toBe(0x0100_00ed);
    g.call.pci_intx(pdev, 0);
    g.call.pci_enable_msi(pdev);
    driverGoes();
    expect([member('enable_cnt.counter'), member('msi_enabled'), member('is_managed')]).toEqual([0, 0, 0]);
    expect((command() >> 8) & INTX_OFF_HIGH).toBe(0);
    expect(owners('iomem_resource')).not.toContain('driver');
    expect(left()).toEqual([]);
    expect(g.reports()).toEqual([]);
  });

  it('stays on where its driver wants that', () => {
    g.call.pcim_enable_device(pdev);
    g.call.pcim_pin_device(pdev);
    driverGoes();
    expect(member('enable_cnt.counter')).toBe(1);
  });

  it('gets nothing where one of its regions is somebody else’s', () => {
    g.call.pcim_enable_device(pdev);
    g.call.pci_request_region(pdev, 4, name);
    mark = g.k.ledger.mark;
    expect(g.call.pcim_iomap_regions(pdev, 0b10001, name)).toBe(-EBUSY);
    driverGoes();
    expect(left()).toEqual([]);
  });
});

describe('message-signalled interrupts', () => {
  beforeEach(() => {
    g.call.pci_enable_device(pdev);
  });

  it('have a number with a descriptor, and the device is told what to write', () => {
    const line = member('irq');
    expect(g.call.pci_enable_msi(pdev)).toBe(0);
    const irq = member('irq');
    expect([irq >= 24, member('msi_enabled'), card.read(member('msi_cap') + 2, 2) & 1]).toEqual([true, 1, 1]);
    let came = 0;
    const handler = g.k.exports.hostFunction('test_msi', 'i:ip', () => {
      came++;
      return 1;
    });
    expect(g.call.request_threaded_irq(irq, handler, 0, 0, name, 8)).toBe(0);
    const message = {
      address: card.read(member('msi_cap') + 4, 4),
      data: card.read(member('msi_cap') + 12, 2),
    };
    expect(g.k.get(MsiVectors).deliver(message)).toBe(true);
    g.sleep(1e6);
    expect(came).toBe(1);
    g.call.free_irq(irq, 8);
    g.call.pci_disable_msi(pdev);
    expect([member('irq'), g.call.irq_get_irq_data(irq)]).toEqual([line, 0]);
    expect(g.k.get(MsiVectors).deliver(message)).toBe(false);
    expect(left()).toEqual([]);
  });

  it('of a table are as many as the device has and were asked for', () => {
    const entries = g.k.permanent(8 * 8);
    for (let i = 0; i < 3; i++) g.k.space.store16(entries + 8 * i + 4, i * 2);
    expect(g.call.pci_enable_msix_range(pdev, entries, 3, 3)).toBe(3);
    const irqs = [0, 1, 2].map((i) => g.k.space.load32(entries + 8 * i));
    expect(new Set(irqs).size).toBe(3);
    expect([g.call.pci_irq_vector(pdev, 2), g.call.pci_irq_vector(pdev, 1)]).toEqual([irqs[1], -EINVAL]);
    const desc = g.k.struct('irq_desc').get(g.call.irq_to_desc(irqs[0]), 'irq_common_data.msi_desc');
    expect(g.call.msi_desc_to_pci_dev(desc)).toBe(pdev);
    g.call.pci_disable_msix(pdev);
    expect(left()).toEqual([]);
  });

  it('are the best of those that are allowed, else the line', () => {
    expect(g.call.pci_alloc_irq_vectors_affinity(pdev, 1, 20, PCI_IRQ_MSIX | PCI_IRQ_MSI, 0)).toBe(8);
    expect(g.call.pci_alloc_irq_vectors_affinity(pdev, 1, 1, PCI_IRQ_MSI, 0)).toBe(-EINVAL);
    expect(log().at(-1)).toBe(`${me()}: can't enable MSI (MSI-X already enabled)`);
    g.call.pci_free_irq_vectors(pdev);
    expect(g.call.pci_alloc_irq_vectors_affinity(pdev, 2, 4, PCI_IRQ_MSI, 0)).toBe(-ENOSPC);
    expect(g.call.pci_alloc_irq_vectors_affinity(pdev, 1, 4, PCI_IRQ_LEGACY, 0)).toBe(1);
    expect(g.call.pci_irq_vector(pdev, 0)).toBe(member('irq'));
    expect(left()).toEqual([]);
  });

  it('are told of when they are taken back with a handler', () => {
    g.call.pci_enable_msi(pdev);
    const irq = member('irq');
    const handler = g.k.exports.hostFunction('test_forgotten', 'i:ip', () => 1);
    g.call.request_threaded_irq(irq, handler, 0, 0, name, 8);
    g.call.pci_disable_msi(pdev);
    expect(g.reports().map(({ message }) => message)).toEqual([
      `remove_proc_entry: removing non-empty directory 'irq/${irq}', leaking at least 'driver'`,
    ]);
  });
});

describe('power and configuration', () => {
  it('go to a lower state and come back; a state that is no lower is refused', () => {
    g.call.pci_enable_device(pdev);
    expect(g.call.pci_set_power_state(pdev, D3HOT)).toBe(0);
    expect([member('current_state'), card.read(member('pm_cap') + 4, 2) & 3]).toEqual([D3HOT, D3HOT]);
    expect(g.call.pci_set_power_state(pdev, 1)).toBe(-EINVAL);
    expect(g.call.pci_set_power_state(pdev, 0)).toBe(0);
    expect(member('current_state')).toBe(0);
  });

  it('are kept and put back', () => {
    g.call.pci_enable_device(pdev);
    expect(g.call.pcie_set_readrq(pdev, 1024)).toBe(0);
    expect(g.call.pci_save_state(pdev)).toBe(0);
    const before = card.content;
    card.write(0x10, 4, 0);
    card.write(COMMAND, 2, 0);
    g.call.pcie_set_readrq(pdev, 128);
    g.call.pci_restore_state(pdev);
    expect(card.content).toEqual(before);
    expect(g.call.pcie_get_readrq(pdev)).toBe(1024);
    expect(member('state_saved')).toBe(0);
  });

  it('wake the machine only where that was allowed', () => {
    expect(g.call.pci_wake_from_d3(pdev, 1)).toBe(-EINVAL);
    expect(g.call.pci_wake_from_d3(pdev, 0)).toBe(0);
    expect(g.call.pci_choose_state(pdev, 2)).toBe(D3HOT);
  });
});

describe('what a driver leaves', () => {
  it('is told: regions and vectors, not that the device is on', () => {
    const held = (): string[] =>
      [...g.k.holdings()]
        .map(({ kind, name: text }) => `${kind} ${text()}`)
        .filter((line) => !before.has(line));
    const before = new Set([...g.k.holdings()].map(({ kind, name: text }) => `${kind} ${text()}`));
    g.call.pci_enable_device(pdev);
    g.call.pci_request_region(pdev, 4, name);
    g.call.pci_enable_msi(pdev);
    const slotName = g.k.struct('pci_dev').string(pdev, 'dev.kobj.name');
    expect(held()).toEqual([
      expect.stringMatching(/^memory region driver \(\w+-\w+\)$/),
      `message-signalled interrupt IRQ ${member('irq')} of ${slotName}`,
    ]);
    g.call.pci_disable_msi(pdev);
    g.call.pci_release_region(pdev, 4);
    expect(held()).toEqual([]);
  });

  it('goes with a device that is taken out', () => {
    const before = owners('iomem_resource').length;
    g.call.pci_stop_and_remove_bus_device(pdev);
    expect(owners('iomem_resource').length).toBe(before - 2);
    expect(g.call.pci_get_domain_bus_and_slot(0, 0, (slot - 1) * 8)).toBe(0);
    expect(g.reports()).toEqual([]);
  });
});
