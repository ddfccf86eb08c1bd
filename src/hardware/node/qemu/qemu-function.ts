import type { BusDecoder, BusRegion, BusTarget } from '../../bus.js';
import type { MsiMessage, PciHeader } from '../../pci/config-space.js';
import { PINS } from '../../pci/config-space.js';
import type { BoardFunction } from '../../pci/pci-board.js';
import { type ConfigAccess, ConfigRegisters } from './config-registers.js';
import { MessageVectors } from './message-vectors.js';
import { inputOf } from './q35.js';
import { VirtioQueues } from './virtio-queues.js';

/** Accesses to QEMU's buses, with all that comes of them. */
export interface QemuBuses {
  readonly memory: BusTarget;
  readonly ports: BusTarget;
  addWord(deliver: (data: number) => void): number;
  message(message: MsiMessage): void;
}

/** How a device of QEMU's is known: its place on the bus, and what it says that it is. */
export interface QemuDevice {
  /** `0000:00:01.0` */
  readonly address: string;
  /** `8086:100e` */
  readonly id: string;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** A PCI function of QEMU's as the machine sees it: every access goes there. */
export class QemuFunction implements BoardFunction {
  readonly device: QemuDevice;
  readonly header: Pick<PciHeader, 'bars' | 'interrupts'>;
  readonly line: number | undefined;
  readonly isMultiFunction: boolean;
  /** What of memory the device is told of by its queues alone; undefined of devices that are no virtio devices. */
  readonly queues: VirtioQueues | undefined;
  readonly memoryDecoder: BusDecoder = { decode: (address) => this.decode(address, false) };
  readonly portDecoder: BusDecoder = { decode: (address) => this.decode(address, true) };
  private readonly registers: ConfigRegisters;
  private readonly vectors: MessageVectors;
  private regions: readonly (BusRegion & { readonly io: boolean })[] = [];

  constructor(
    readonly slot: number,
    readonly number: number,
    private readonly access: ConfigAccess,
    private readonly buses: QemuBuses,
  ) {
    const registers = new ConfigRegisters(access);
    this.registers = registers;
    const { pin, bars } = registers;
    this.isMultiFunction = registers.isMultiFunction;
    this.line = pin === 0 ? undefined : inputOf(slot, pin);
    this.header = {
      bars,
      ...(pin !== 0 && { interrupts: { pin: PINS[pin - 1] as 'A' | 'B' | 'C' | 'D' } }),
    };
    this.vectors = new MessageVectors(
      registers,
      (deliver) => buses.addWord(deliver),
      (message) => buses.message(message),
    );
    this.device = {
      address: `0000:00:${hex(slot, 2)}.${number}`,
      id: `${hex(access.read(0, 2), 4)}:${hex(access.read(2, 2), 4)}`,
    };
    this.queues = VirtioQueues.of(registers);
  }

  readonly config = {
    read: (where: number, bytes: number): number =>
      this.vectors.readConfig(where, this.access.read(where, bytes)),
    assign: (bar: number, address: number): void => {
      this.registers.assign(bar, address);
      this.findRegions();
    },
    address: (bar: number): number | undefined => this.registers.address(bar),
    route: (line: number): void => this.registers.route(line),
  };

  configure(where: number, bytes: number, value: number): void {
    this.access.write(where, bytes, this.vectors.writeConfig(where, value));
    if (this.registers.changesDecoding(where)) this.findRegions();
  }

  powerOn(): void {
    this.findRegions();
  }

  powerOff(): void {
    this.regions = [];
  }

  private decode(address: number, io: boolean): BusRegion | undefined {
    return this.regions.find(
      (region) => region.io === io && address >= region.start && address < region.start + region.size,
    );
  }

  private findRegions(): void {
    this.regions = Object.entries(this.header.bars ?? {}).flatMap(([bar, { size, io = false }]) => {
      const start = this.registers.address(Number(bar));
      if (start === undefined || start === 0) return [];
      return [{ start, size, io, target: this.target(Number(bar), start, io) }];
    });
  }

  private target(bar: number, start: number, io: boolean): BusTarget {
    const bus = io ? this.buses.ports : this.buses.memory;
    const raw: BusTarget = {
      read: (offset, size) => bus.read(start + offset, size),
      write: (offset, size, value) => bus.write(start + offset, size, value),
    };
    return this.vectors.wrap(bar, this.queues?.watch(bar, raw) ?? raw);
  }
}
