import { RSP } from '../../../cpu/cpu-types.js';
import type { Ptr } from '../../../cpu/layout.js';
import { allOnes, Bus } from '../../../hardware/bus.js';
import type { I2cModel } from '../../../hardware/i2c/i2c-target.js';
import type { PciFunction, PciModel, PciSlot } from '../../../hardware/pci/pci.js';
import type { DeviceClock, Surroundings } from '../../../hardware/surroundings.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { type DeviceAccess, DmaDebug, told } from '../../../linux/drivers/dma/dma-debug.js';
import { MsiVectors } from '../../../linux/drivers/pci/msi-vectors.js';
import { PciSearch } from '../../../linux/drivers/pci/pci-search.js';
import { PciProbe } from '../../../linux/drivers/pci/probe.js';
import type { FailurePlan } from '../../../linux/injection/failure-plan.js';
import { IrqHandling } from '../../../linux/irq/handle.js';
import { Interrupts } from '../../../linux/irq/manage.js';
import { symbolAt, symbolize } from '../../../linux/kallsyms/symbolize.js';
import type { LinuxKernel } from '../../../linux/kernel.js';
import { Ioremap } from '../../../linux/mm/ioremap.js';
import { BoardSlots } from './board-slots.js';
import { I2cHardware, type I2cPlace } from './i2c-hardware.js';

/** Where firmware puts BARs: in the windows of the host bridge. */
const FIRST_MEMORY = 0xc000_0000;
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
}

/** What a BAR decodes. */
interface Place {
  readonly start: number;
  readonly size: number;
  readonly io: boolean;
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
  /** Where the BARs of each function are, by devfn, as long as the kernel knows of them. */
  private readonly places = new Map<number, readonly Place[]>();

  /** Devices that run beside the machine. */
  readonly boards: BoardSlots;

  /** `failures`: what goes wrong on purpose. */
  constructor(
    private readonly k: LinuxKernel,
    private readonly failures?: FailurePlan,
  ) {
    const { memory, ports } = this;
    this.boards = new BoardSlots(k, {
      memory,
      ports,
      rootBus: () => this.root(),
      isFree: (slot) => !this.plugged.has(slot),
      assign: (devfn, fn, line) => this.assign(devfn, fn, line),
    });
    const irqs = k.get(IrqHandling);
    irqs.isHigh = (irq) => (this.high.get(irq)?.size ?? 0) > 0 || this.boards.isHigh(irq);
    this.i2c = new I2cHardware(k, (caller) => this.chipSurroundings(caller));
    k.get(Ioremap).bus = {
      answers: (physical) => memory.find(physical) !== undefined,
      read: (physical, size) => (this.pulled(memory, physical) ? allOnes(size) : memory.read(physical, size)),
      write: (physical, size, value) => {
        if (!this.pulled(memory, physical)) memory.write(physical, size, value);
      },
    };
    const { platform } = k;
    platform.portIn = (port, size) =>
      Number(this.pulled(ports, port) ? allOnes(size) : ports.read(port, size));
    platform.portOut = (port, size, value) => {
      if (!this.pulled(ports, port)) ports.write(port, size, BigInt(value >>> 0));
    };
  }

  /** Whether the device that would answer at an address has been pulled out, if need be at this very access. */
  private pulled(bus: Bus, address: number): boolean {
    const { failures, k } = this;
    if (!failures) return false;
    const plugged = [...this.plugged.values()].find(
      ({ fn }) => (bus === this.memory ? fn.memoryDecoder : fn.portDecoder).decode(address) !== undefined,
    );
    if (!plugged) return false;
    const { device, name } = plugged.fn;
    return failures.access(
      device,
      () => `${name} is pulled out when ${callerOf(k)} accesses 0x${address.toString(16)}`,
    );
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
    const fn = model.create(this.surroundings(slot), this.slotOf(slot, line));
    this.assign(slot * 8, fn, line);
    this.memory.add(fn.memoryDecoder);
    this.ports.add(fn.portDecoder);
    this.plugged.set(slot, { slot, fn, line });
    fn.powerOn();
    if (fn.header.interrupts?.pin) k.get(Interrupts).connectLevel(line);
    yield* k.get(PciProbe).scan(yield* this.root(), slot * 8);
    return fn.device;
  }

  /** The bus that everything is plugged into. */
  private *root(): Sleepable<Ptr> {
    if (this.rootBus === 0)
      this.rootBus = yield* this.k.get(PciProbe).addRootBus({
        read: (devfn, where, bytes) => this.at(devfn)?.config.read(where, bytes),
        write: (devfn, where, bytes, value) => this.at(devfn)?.configure(where, bytes, value),
      });
    return this.rootBus;
  }

  /** Pulls a device out, without a word to anybody before, and has the kernel find out. */
  *unplug(device: unknown): Sleepable<void> {
    if (this.i2c.unplug(device)) return;
    const slot = this.pull(device);
    yield* this.notice(slot);
  }

  /** As `unplug`, in the midst of what the machine does: the kernel finds out when it gets to it (drivers/pci/hotplug). */
  unplugNow(device: unknown): void {
    if (this.i2c.unplug(device)) return;
    const slot = this.pull(device);
    this.k.processes.create('irq/24-pciehp', this.notice(slot), { kernelThread: true });
  }

  /** From now on reads give all ones, writes go nowhere, and the device does nothing more. */
  private pull(device: unknown): number {
    const plugged = [...this.plugged.values()].find(({ fn }) => fn.device === device);
    if (!plugged) throw new RangeError('it is not plugged in');
    const { fn, slot, line } = plugged;
    this.plugged.delete(slot);
    this.memory.remove(fn.memoryDecoder);
    this.ports.remove(fn.portDecoder);
    this.setLine(line, slot, false);
    fn.powerOff();
    return slot;
  }

  private *notice(slot: number): Sleepable<undefined> {
    const pdev = this.structOf(slot);
    if (pdev !== 0) yield* this.k.get(PciProbe).remove(pdev);
    this.places.delete(slot * 8);
    return undefined;
  }

  /** The driver that a device is bound to. */
  driverOf(device: unknown): string | undefined {
    const client = this.i2c.clientOf(device);
    if (client !== undefined) return driverNameOf(this.k, this.k.struct('i2c_client').addr(client, 'dev'));
    const slot = [...this.plugged.values()].find(({ fn }) => fn.device === device)?.slot;
    const pdev = slot === undefined ? this.boards.structOf(device) : this.structOf(slot);
    return pdev === 0 ? undefined : driverNameOf(this.k, this.k.struct('pci_dev').addr(pdev, 'dev'));
  }

  private at(devfn: number): PciFunction<unknown> | undefined {
    return (devfn & 7 ? undefined : this.plugged.get(devfn >>> 3)?.fn) ?? this.boards.at(devfn);
  }

  private freeSlot(): number {
    for (let slot = FIRST_SLOT; slot < BUS_SLOTS; slot++)
      if (!this.plugged.has(slot) && !this.boards.has(slot)) return slot;
    throw new RangeError('no slot is free');
  }

  /** What firmware does before the kernel comes: places for BARs, each at a multiple of its size, and the line. */
  private assign(devfn: number, { header, config }: PciFunction<unknown>, line: number): void {
    const own: Place[] = [];
    this.places.set(devfn, own);
    for (const [bar, { size, io = false }] of Object.entries(header.bars ?? {})) {
      const start = this.freePlace(size, io);
      own.push({ start, size, io });
      config.assign(Number(bar), start);
    }
    if (header.interrupts?.pin) config.route(line);
  }

  private freePlace(size: number, io: boolean): number {
    const taken = [...this.places.values()].flat().filter((place) => place.io === io);
    let start = Math.ceil((io ? FIRST_PORT : FIRST_MEMORY) / size) * size;
    while (taken.some((place) => start < place.start + place.size && place.start < start + size))
      start += size;
    return start;
  }

  /** What a chip on I2C has: it asks for nothing and accesses no memory by itself. */
  private chipSurroundings(caller: (k: LinuxKernel) => string): Surroundings {
    const noMaster = (): never => {
      throw new Error('a chip on I2C is no master of a bus of memory');
    };
    return {
      clock: this.clock,
      caller: () => caller(this.k),
      complain: noMaster,
      dma: { read: noMaster, write: noMaster },
    };
  }

  private surroundings(slot: number): Surroundings {
    const { k } = this;
    let driver = '';
    const caller = (): string => {
      driver = callerOf(k);
      return driver;
    };
    const complain = (what: string): void => {
      const device = this.structDevice(slot);
      if (device !== 0) k.get(DmaDebug).tell(device, `device ${what}${told(driver)}`, 0, { byDevice: true });
    };
    const allows = (kind: DeviceAccess['kind'], address: number | bigint, bytes: number): boolean => {
      const device = this.structDevice(slot);
      return device !== 0 && k.get(DmaDebug).allows({ device, kind, address, bytes, driver });
    };
    return {
      clock: this.clock,
      caller,
      complain,
      dma: {
        read(address, bytes) {
          if (!allows('reads', address, bytes)) return new Uint8Array(bytes).fill(0xff);
          return k.space.bytes.slice(Number(address), Number(address) + bytes);
        },
        write(address, content) {
          if (allows('writes', address, content.length)) k.space.bytes.set(content, Number(address));
        },
      },
    };
  }

  /** Virtual time. */
  private get clock(): DeviceClock {
    const { clock } = this.k;
    return {
      get now() {
        return clock.now;
      },
      at(time, ring) {
        const alarm = clock.arm(time, ring);
        return () => void clock.cancel(alarm);
      },
    };
  }

  /** The struct pci_dev of what is or was in a slot; 0 where the kernel does not know of any. */
  private structOf(slot: number): Ptr {
    const { k } = this;
    const type = k.struct('pci_dev');
    const isThere = (pdev: Ptr): boolean =>
      type.get(pdev, 'bus') === this.rootBus && type.get(pdev, 'devfn') === slot * 8;
    return k.get(PciSearch).devices().find(isThere) ?? 0;
  }

  private structDevice(slot: number): Ptr {
    const pdev = this.structOf(slot);
    return pdev === 0 ? 0 : this.k.struct('pci_dev').addr(pdev, 'dev');
  }

  private slotOf(slot: number, line: number): PciSlot {
    return {
      intx: (level) => this.setLine(line, slot, level),
      message: (message) => this.interrupts(slot, () => void this.k.get(MsiVectors).deliver(message)),
    };
  }

  /** An interrupt gets through, unless it is to go wrong. */
  private interrupts(slot: number, deliver: () => void): void {
    const fate = this.failures?.interrupt(this.plugged.get(slot)?.fn.name ?? 'a device') ?? 'comes';
    if (fate === 'is lost') return;
    deliver();
    if (fate === 'comes twice') deliver();
  }

  /** A line is high while any of those that share it wants it so. */
  private setLine(line: number, slot: number, level: boolean): void {
    const holders = this.high.get(line) ?? new Set<number>();
    this.high.set(line, holders);
    const before = holders.size;
    if (level) holders.add(slot);
    else holders.delete(slot);
    if (before === 0 && holders.size > 0)
      this.interrupts(slot, () => this.k.get(IrqHandling).raiseLevel(line));
  }
}
