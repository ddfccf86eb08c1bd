import { RSP } from '../../../cpu/cpu-types.js';
import type { Ptr } from '../../../cpu/layout.js';
import { Bus } from '../../../hardware/bus.js';
import type { I2cModel } from '../../../hardware/i2c/i2c-target.js';
import type { PciFunction, PciModel, PciSlot } from '../../../hardware/pci/pci.js';
import type { Surroundings } from '../../../hardware/surroundings.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { MsiVectors } from '../../../linux/drivers/pci/msi-vectors.js';
import { PciProbe } from '../../../linux/drivers/pci/probe.js';
import { IrqHandling } from '../../../linux/irq/handle.js';
import { symbolAt, symbolize } from '../../../linux/kallsyms/symbolize.js';
import type { LinuxKernel } from '../../../linux/kernel.js';
import { Ioremap } from '../../../linux/mm/ioremap.js';
import { I2cHardware, type I2cPlace } from './i2c-hardware.js';

/** Where firmware puts BARs: in the windows of the host bridge. */
const FIRST_MEMORY = 0xfe00_0000;
const FIRST_PORT = 0xc000;
/** Lines that firmware routes the pins of slots to, in turn (PIRQ of a PC). */
const LINES = [10, 11] as const;
const FIRST_SLOT = 1;
const BUS_SLOTS = 32;

/** The driver's function that accesses a device: by an instruction of its own, or by a function of the kernel that it has called. */
function callerOf(k: LinuxKernel): string {
  const at = k.space.fromAddress(k.cpu.rip);
  const own = symbolAt(k, at)?.module !== undefined;
  return symbolize(k, own ? at : k.space.loadPtr(k.cpu.getPtr(RSP)));
}

/** The name of the driver that a device is bound to. */
function driverNameOf(k: LinuxKernel, device: Ptr): string | undefined {
  const driver = k.struct('device').get(device, 'driver');
  return driver === 0 ? undefined : k.struct('device_driver').string(driver, 'name');
}

/** A device that is in a slot. */
interface Plugged {
  readonly slot: number;
  readonly fn: PciFunction<unknown>;
  readonly line: number;
  pdev: Ptr;
}

/** The devices of a Linux machine: buses of `src/hardware`, and the kernel's side of them. */
export class LinuxHardware {
  readonly memory = new Bus();
  readonly ports = new Bus();
  private readonly plugged = new Map<number, Plugged>();
  /** Lines that are high, and by which slots. */
  private readonly high = new Map<number, Set<number>>();
  private readonly i2c: I2cHardware;
  private rootBus: Ptr = 0;
  private freeMemory = FIRST_MEMORY;
  private freePort = FIRST_PORT;

  constructor(private readonly k: LinuxKernel) {
    const { memory, ports } = this;
    this.i2c = new I2cHardware(k, (caller) => this.surroundings(caller));
    k.get(Ioremap).bus = {
      answers: (physical) => memory.find(physical) !== undefined,
      read: (physical, size) => memory.read(physical, size),
      write: (physical, size, value) => memory.write(physical, size, value),
    };
    const { platform } = k;
    platform.portIn = (port, size) => Number(ports.read(port, size));
    platform.portOut = (port, size, value) => ports.write(port, size, BigInt(value >>> 0));
  }

  /** Connects a chip to an I2C bus: the kernel gets to know its client, as from firmware. */
  *plugI2c<D>(model: I2cModel<D>, where: I2cPlace): Sleepable<D> {
    return yield* this.i2c.plug(model, where);
  }

  /** Plugs a device in: the kernel finds it, and drivers get to see it. `slot`: the first that is free by default. */
  *plugPci<D>(model: PciModel<D>, slot = this.freeSlot()): Sleepable<D> {
    if (this.plugged.has(slot)) throw new RangeError(`there is a device in slot ${slot}`);
    const { k } = this;
    const line = LINES[slot % LINES.length];
    const fn = model.create(this.surroundings(), this.slotOf(slot, line));
    this.assign(fn, line);
    this.memory.add(fn.memoryDecoder);
    this.ports.add(fn.portDecoder);
    const plugged: Plugged = { slot, fn, line, pdev: 0 };
    this.plugged.set(slot, plugged);
    fn.powerOn();
    if (this.rootBus === 0)
      this.rootBus = yield* k.get(PciProbe).addRootBus({
        read: (devfn, where, bytes) => this.at(devfn)?.config.read(where, bytes),
        write: (devfn, where, bytes, value) => this.at(devfn)?.configure(where, bytes, value),
      });
    plugged.pdev = yield* k.get(PciProbe).scan(this.rootBus, slot * 8);
    return fn.device;
  }

  /** Pulls a device out, without a word to anybody before: reads give all ones from then on. The kernel then learns that it is gone. */
  *unplug(device: unknown): Sleepable<void> {
    if (this.i2c.unplug(device)) return;
    const plugged = [...this.plugged.values()].find(({ fn }) => fn.device === device);
    if (!plugged) throw new RangeError('it is not plugged in');
    const { fn, slot, pdev, line } = plugged;
    this.plugged.delete(slot);
    this.memory.remove(fn.memoryDecoder);
    this.ports.remove(fn.portDecoder);
    this.setLine(line, slot, false);
    fn.powerOff();
    yield* this.k.get(PciProbe).remove(pdev);
  }

  /** The driver that a device is bound to. */
  driverOf(device: unknown): string | undefined {
    const client = this.i2c.clientOf(device);
    if (client !== undefined) return driverNameOf(this.k, this.k.struct('i2c_client').addr(client, 'dev'));
    const pdev = [...this.plugged.values()].find(({ fn }) => fn.device === device)?.pdev ?? 0;
    return pdev === 0 ? undefined : driverNameOf(this.k, this.k.struct('pci_dev').addr(pdev, 'dev'));
  }

  private at(devfn: number): PciFunction<unknown> | undefined {
    return devfn & 7 ? undefined : this.plugged.get(devfn >>> 3)?.fn;
  }

  private freeSlot(): number {
    for (let slot = FIRST_SLOT; slot < BUS_SLOTS; slot++) if (!this.plugged.has(slot)) return slot;
    throw new RangeError('no slot is free');
  }

  /** What firmware does before the kernel comes: places for BARs, each at a multiple of its size, and the line. */
  private assign({ header, config }: PciFunction<unknown>, line: number): void {
    for (const [bar, { size, io }] of Object.entries(header.bars ?? {})) {
      const free = io ? this.freePort : this.freeMemory;
      const start = Math.ceil(free / size) * size;
      if (io) this.freePort = start + size;
      else this.freeMemory = start + size;
      config.assign(Number(bar), start);
    }
    if (header.interrupts?.pin) config.route(line);
  }

  private surroundings(caller = callerOf): Surroundings {
    const { k } = this;
    return {
      clock: {
        get now() {
          return k.clock.now;
        },
        at(time, ring) {
          const alarm = k.clock.arm(time, ring);
          return () => void k.clock.cancel(alarm);
        },
      },
      caller: () => caller(k),
      dma: {
        read: (address, bytes) => k.space.bytes.slice(Number(address), Number(address) + bytes),
        write: (address, content) => k.space.bytes.set(content, Number(address)),
      },
    };
  }

  private slotOf(slot: number, line: number): PciSlot {
    return {
      intx: (level) => this.setLine(line, slot, level),
      message: (message) => void this.k.get(MsiVectors).deliver(message),
    };
  }

  /** A line is high while any of those that share it wants it so. */
  private setLine(line: number, slot: number, level: boolean): void {
    const holders = this.high.get(line) ?? new Set<number>();
    this.high.set(line, holders);
    const before = holders.size;
    if (level) holders.add(slot);
    else holders.delete(slot);
    if (before === 0 && holders.size > 0) this.k.get(IrqHandling).raise(line);
  }
}
