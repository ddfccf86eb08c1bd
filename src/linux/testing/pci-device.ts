import type { Ptr } from '../../cpu/layout.js';
import { type BarSpec, ConfigSpace, type PciHeader } from '../../hardware/pci/config-space.js';
import type { Sleepable } from '../../kernel/effects.js';
import { type ConfigurationSpace, PciProbe } from '../drivers/pci/probe.js';
import type { LinuxKernel } from '../kernel.js';
import { type DeviceMemory, Ioremap } from '../mm/ioremap.js';

/** A PCI device as data: what its configuration space says, and what its BARs hold. Nothing happens in it by itself. */
export interface PciSpec extends Omit<PciHeader, 'bars'> {
  /** `contents` is what is read of it, from its begin. */
  readonly bars?: { readonly [bar: number]: BarSpec & { readonly contents?: readonly number[] } };
}

/** The subsystem of QEMU's devices. */
const QEMU = { subvendor: 0x1af4, subdevice: 0x1100 };
/** The line that firmware has given it. */
const LINE = 11;

/** Where firmware puts the next BAR: each at a multiple of its size. */
interface Addresses {
  memory: number;
  io: number;
}

/** A device that has configuration space, and memory in which nothing happens. */
export class SimulatedPciDevice extends ConfigSpace {
  readonly memories = new Map<number, DeviceMemory>();

  constructor(spec: PciSpec, free: Addresses) {
    super({ ...spec, id: { ...QEMU, ...spec.id } });
    for (const [bar, { size, io, contents = [] }] of Object.entries(spec.bars ?? {})) {
      const kind = io ? 'io' : 'memory';
      const start = Math.ceil(free[kind] / size) * size;
      free[kind] = start + size;
      this.assign(Number(bar), start);
      if (io) continue;
      const bytes = new Uint8Array(size);
      bytes.set(contents);
      this.memories.set(Number(bar), { start, bytes });
    }
    if (spec.interrupts?.pin) this.route(LINE);
  }

  /** All that can be read of the conventional part. */
  get content(): readonly number[] {
    return Array.from({ length: 256 }, (_, at) => this.read(at, 1));
  }
}

/** The PCI bus of a machine, on which devices are plugged in. */
export class SimulatedPciBus implements ConfigurationSpace {
  private readonly devices = new Map<number, SimulatedPciDevice>();
  private readonly free: Addresses = { memory: 0xfe00_0000, io: 0xc000 };
  private bus: Ptr = 0;

  constructor(private readonly k: LinuxKernel) {}

  read(devfn: number, where: number, bytes: number): number | undefined {
    return this.devices.get(devfn)?.read(where, bytes);
  }

  write(devfn: number, where: number, bytes: number, value: number): void {
    this.devices.get(devfn)?.write(where, bytes, value);
  }

  /** Plugs a device into a slot: the kernel finds it, and drivers get to see it. Its struct pci_dev. */
  *plug(spec: PciSpec, slot: number): Sleepable<{ readonly device: SimulatedPciDevice; readonly pdev: Ptr }> {
    const { k } = this;
    const device = new SimulatedPciDevice(spec, this.free);
    this.devices.set(slot * 8, device);
    for (const memory of device.memories.values()) k.get(Ioremap).attach(memory);
    if (this.bus === 0) this.bus = yield* k.get(PciProbe).addRootBus(this);
    return { device, pdev: yield* k.get(PciProbe).scan(this.bus, slot * 8) };
  }
}
