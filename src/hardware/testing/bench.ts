import type { MsiMessage } from '../pci/config-space.js';
import type { PciFunction, PciModel } from '../pci/pci.js';
import type { DeviceClock, Surroundings } from '../surroundings.js';

interface Alarm {
  readonly time: number;
  readonly ring: () => void;
}

/** Time that passes when a test says so. */
export class TestClock implements DeviceClock {
  now = 0;
  private alarms: Alarm[] = [];

  at(time: number, ring: () => void): () => void {
    const alarm = { time, ring };
    this.alarms.push(alarm);
    return () => {
      this.alarms = this.alarms.filter((other) => other !== alarm);
    };
  }

  pass(nanoseconds: number): void {
    const end = this.now + nanoseconds;
    for (;;) {
      const next = this.alarms.filter(({ time }) => time <= end).sort((a, b) => a.time - b.time)[0];
      if (!next) break;
      this.alarms = this.alarms.filter((alarm) => alarm !== next);
      this.now = Math.max(this.now, next.time);
      next.ring();
    }
    this.now = end;
  }
}

/** A PCI device on a bench, without a machine: its registers can be accessed as a driver would. */
export class PciBench<D> {
  readonly clock = new TestClock();
  readonly memory = new Uint8Array(0x1_0000);
  readonly messages: MsiMessage[] = [];
  /** What the device was told to do and cannot. */
  readonly complaints: string[] = [];
  /** Level of its interrupt pin. */
  pin = false;
  readonly fn: PciFunction<D>;

  constructor(model: PciModel<D>) {
    const { clock, memory, messages } = this;
    const surroundings: Surroundings = {
      clock,
      caller: () => 'bench',
      complain: (what) => void this.complaints.push(what),
      dma: {
        read: (address, bytes) => memory.slice(Number(address), Number(address) + bytes),
        write: (address, content) => memory.set(content, Number(address)),
      },
    };
    this.fn = model.create(surroundings, {
      intx: (level) => {
        this.pin = level;
      },
      message: (message) => messages.push(message),
    });
    let start = 0x1000_0000;
    for (const [bar, { size, io }] of Object.entries(this.fn.header.bars ?? {})) {
      this.fn.config.assign(Number(bar), io ? 0xc000 + 0x100 * Number(bar) : start);
      start += Math.max(size, 0x1000);
    }
    this.fn.powerOn();
  }

  get device(): D {
    return this.fn.device;
  }

  private place(bar: number, offset: number) {
    const address = this.fn.config.address(bar);
    if (address === undefined) throw new RangeError(`BAR ${bar} is not decoded`);
    const { io } = this.fn.header.bars?.[bar] ?? {};
    const region = (io ? this.fn.portDecoder : this.fn.memoryDecoder).decode(address + offset);
    if (!region) throw new RangeError(`nothing at BAR ${bar} + ${offset}`);
    return region.target;
  }

  read(offset: number, size = 4, bar = 0): number {
    return Number(this.place(bar, offset).read(offset, size));
  }

  write(offset: number, value: number, size = 4, bar = 0): void {
    this.place(bar, offset).write(offset, size, BigInt(value >>> 0));
  }
}
