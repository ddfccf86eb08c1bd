import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { type ConfigurationSpace, PciProbe } from '../drivers/pci/probe.js';
import type { LinuxKernel } from '../kernel.js';
import { type DeviceMemory, Ioremap } from '../mm/ioremap.js';

/** A PCI device as data: what its configuration space says, and what its BARs hold. Nothing happens in it by itself. */
export interface PciSpec {
  readonly id: {
    readonly vendor: number;
    readonly device: number;
    readonly subvendor?: number;
    readonly subdevice?: number;
    readonly class?: number;
    readonly revision?: number;
  };
  /** Sizes are powers of two; `contents` is what is read of it, from its begin. */
  readonly bars?: {
    readonly [bar: number]: {
      readonly size: number;
      readonly io?: true;
      readonly contents?: readonly number[];
    };
  };
  readonly interrupts?: {
    readonly pin?: 'A' | 'B' | 'C' | 'D';
    readonly msi?: number;
    readonly msix?: number;
  };
  /** Power management, and PCI Express. */
  readonly power?: true;
  readonly express?: true;
}

const HAS_CAPABILITIES = 0x10;
const FIRST_CAPABILITY = 0x40;
/** The line that firmware has given it. */
const LINE = 11;
const PINS = 'ABCD';
/** Where firmware puts the next BAR: each at a multiple of its size. */
interface Addresses {
  memory: number;
  io: number;
}

/** A capability: its id, and the bytes behind the pointer to the next. */
type Capability = readonly [id: number, ...bytes: number[]];

/** A device's registers: what can be written of them, and what is in them. */
export class SimulatedPciDevice {
  readonly config = new Uint8Array(256);
  readonly memories = new Map<number, DeviceMemory>();
  private readonly writable = new Uint8Array(256);

  constructor(spec: PciSpec, free: Addresses) {
    this.identify(spec);
    this.place(spec, free);
    this.addCapabilities(spec);
  }

  read(where: number, bytes: number): number {
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (this.config[where + i] ?? 0);
    return value;
  }

  write(where: number, bytes: number, value: number): void {
    for (let i = 0; i < bytes; i++) {
      const at = where + i;
      const mask = this.writable[at] ?? 0;
      this.config[at] = (this.config[at] & ~mask) | ((value >>> (8 * i)) & mask);
    }
  }

  private put(at: number, bytes: number, value: number, writable = 0): void {
    for (let i = 0; i < bytes; i++) {
      this.config[at + i] = Math.floor(value / 2 ** (8 * i));
      this.writable[at + i] = Math.floor(writable / 2 ** (8 * i));
    }
  }

  private identify({ id, interrupts }: PciSpec): void {
    this.put(0, 2, id.vendor);
    this.put(2, 2, id.device);
    this.put(4, 2, 0, 0x547);
    this.put(8, 4, (id.class ?? 0) * 256 + (id.revision ?? 0));
    this.put(0xc, 1, 0, 0xff);
    this.put(0x2c, 2, id.subvendor ?? 0x1af4);
    this.put(0x2e, 2, id.subdevice ?? 0x1100);
    this.put(0x3c, 1, interrupts?.pin ? LINE : 0, 0xff);
    this.put(0x3d, 1, interrupts?.pin ? PINS.indexOf(interrupts.pin) + 1 : 0);
  }

  private place({ bars = {} }: PciSpec, free: Addresses): void {
    for (const [bar, { size, io, contents = [] }] of Object.entries(bars)) {
      const kind = io ? 'io' : 'memory';
      const start = Math.ceil(free[kind] / size) * size;
      free[kind] = start + size;
      const fixed = io ? 1 : 0;
      this.put(0x10 + 4 * Number(bar), 4, start + fixed, 0x1_0000_0000 - size);
      this.put(4, 1, this.config[4] | (io ? 1 : 2), 0x47);
      if (io) continue;
      const bytes = new Uint8Array(size);
      bytes.set(contents);
      this.memories.set(Number(bar), { start, bytes });
    }
  }

  private addCapabilities({ interrupts = {}, power, express }: PciSpec): void {
    const all: Capability[] = [];
    // D1 and D2 are there, PME from D3hot; the state can be written.
    if (power) all.push([0x01, 0x02, 0x46, 0x08, 0x00, 0x00, 0x00]);
    if (interrupts.msi)
      all.push([0x05, 0x80 | (Math.log2(interrupts.msi) << 1), 0, ...new Array<number>(12).fill(0)]);
    if (interrupts.msix) all.push([0x11, interrupts.msix - 1, 0, 0, 0, 0, 0, 0, 8, 0, 0]);
    if (express)
      all.push([0x10, 0x02, 0x00, 0x01, 0x80, 0, 0x10, 0x10, 0x28, ...new Array<number>(50).fill(0)]);
    let at = FIRST_CAPABILITY;
    let link = 0x34;
    for (const [id, ...bytes] of all) {
      this.config[link] = at;
      this.config[at] = id;
      this.config.set(bytes, at + 2);
      this.allow(id, at);
      link = at + 1;
      at += Math.ceil((bytes.length + 2) / 4) * 4;
    }
    if (all.length > 0) this.config[6] |= HAS_CAPABILITIES;
  }

  /** What of a capability can be written. */
  private allow(id: number, at: number): void {
    if (id === 0x01) this.writable.set([0x03, 0x01], at + 4);
    if (id === 0x05)
      this.writable.set([0x71, 0, 0xfc, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], at + 2);
    if (id === 0x11) this.writable.set([0, 0xc0], at + 2);
    if (id === 0x10) this.writable.set([0xff, 0x7f], at + 8);
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
