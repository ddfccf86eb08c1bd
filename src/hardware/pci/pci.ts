import { allOnes, type BusDecoder, type BusRegion, type BusTarget } from '../bus.js';
import { type Behaviour, type Device, DeviceCore } from '../device-core.js';
import { InterruptLine } from '../interrupt-line.js';
import type { RegisterSpecs } from '../registers.js';
import type { Dma, Surroundings } from '../surroundings.js';
import { type BarSpec, ConfigSpace, type MsiMessage, type PciHeader, type PciId } from './config-space.js';
import { MsixTable } from './msix-table.js';

/** Of addresses on the bus. */
const ADDRESS_BITS = 64;

/** A BAR of a model: registers (the first that is nothing else), plain memory, or accesses by hand. */
export interface PciBar<D> extends BarSpec {
  /** Memory of the device, that drivers read and write as they like. */
  readonly memory?: true;
  readonly read?: (device: D, offset: number, size: number) => bigint;
  readonly write?: (device: D, offset: number, size: number, value: bigint) => void;
}

/** A PCI function as a model has it. */
export interface PciSpec<R extends RegisterSpecs, S, A extends string>
  extends Omit<PciHeader, 'bars'>,
    Behaviour<R, S, A, PciDevice<R, S, NoInfer<A>>> {
  readonly bars: { readonly [bar: number]: PciBar<PciDevice<R, S, NoInfer<A>>> };
  /** Its driver has written to configuration space. */
  readonly configured?: (device: PciDevice<R, S, NoInfer<A>>, where: number) => void;
  /** Bits of the addresses that it can put on the bus: 64 by default. */
  readonly dmaBits?: number;
}

export interface PciDevice<R, S, A extends string> extends Device<R, S, A> {
  readonly dma: Dma;
  /** INTx, MSI or MSI-X, as its driver asked for. */
  readonly irq: PciInterrupt;
  readonly config: ConfigSpace;
  /** Its registers as drivers access them: hooks run, and the log has it. */
  readonly bus: BusTarget;
  /** A BAR of plain memory. Throws RangeError for another. */
  memory(bar: number): Uint8Array;
}

/** What a function is plugged into. */
export interface PciSlot {
  /** The level of its interrupt pin. */
  intx(level: boolean): void;
  message(message: MsiMessage): void;
}

/** A function's way to interrupt, whichever its driver has turned on. */
export class PciInterrupt extends InterruptLine {
  constructor(
    changed: (level: boolean) => void,
    private readonly send: (vector: number) => boolean,
  ) {
    super(changed);
  }

  /** Sends a message; where its driver has none turned on, raises the pin. */
  fire(vector = 0): void {
    if (!this.send(vector)) super.raise();
  }

  /** As fire(0) for who does not care: a message for each rise of the level. */
  override raise(): void {
    if (this.level || this.send(0)) return;
    super.raise();
  }
}

/** A model that can be plugged into a PCI slot. */
export interface PciModel<D> {
  readonly bus: 'pci';
  readonly name: string;
  readonly id: PciId;
  create(surroundings: Surroundings, slot: PciSlot): PciFunction<D>;
}

/** A function as its slot sees it. */
export interface PciFunction<D> {
  readonly name: string;
  readonly device: D;
  readonly header: Pick<PciHeader, 'bars' | 'interrupts'>;
  readonly config: Pick<ConfigSpace, 'read' | 'assign' | 'route' | 'address'>;
  readonly memoryDecoder: BusDecoder;
  readonly portDecoder: BusDecoder;
  /** A write to configuration space. */
  configure(where: number, bytes: number, value: number): void;
  powerOn(): void;
  powerOff(): void;
}

/** A model of a PCI function: data and hooks. */
export function pci<const R extends RegisterSpecs, S = undefined, A extends string = never>(
  spec: PciSpec<R, S, A>,
): PciModel<PciDevice<R, S, A>> {
  return {
    bus: 'pci',
    name: spec.name,
    id: spec.id,
    create: (surroundings, slot) => new SimulatedFunction(spec, surroundings, slot),
  };
}

class SimulatedFunction<R extends RegisterSpecs, S, A extends string>
  extends DeviceCore<R, S, A, PciDevice<R, S, A>>
  implements PciDevice<R, S, A>, PciFunction<PciDevice<R, S, A>>
{
  readonly config: ConfigSpace;
  readonly irq: PciInterrupt;
  readonly dma: Dma;
  readonly memoryDecoder: BusDecoder = { decode: (address) => this.decode(address, false) };
  readonly portDecoder: BusDecoder = { decode: (address) => this.decode(address, true) };
  private readonly msix: MsixTable | undefined;
  private readonly memories = new Map<number, Uint8Array>();
  private readonly targets = new Map<number, BusTarget>();

  constructor(
    private readonly spec: PciSpec<R, S, A>,
    surroundings: Surroundings,
    private readonly slot: PciSlot,
  ) {
    super(spec, surroundings);
    this.config = new ConfigSpace(spec);
    this.dma = this.limited(surroundings.dma);
    this.irq = new PciInterrupt(
      (level) => slot.intx(level && this.config.intxEnabled),
      (vector) => this.send(vector),
    );
    const { msix } = spec.interrupts ?? {};
    if (msix) this.msix = new MsixTable(msix.vectors, (message) => slot.message(message));
    for (const bar of Object.keys(spec.bars)) this.targets.set(Number(bar), this.target(Number(bar)));
  }

  protected override get self(): PciDevice<R, S, A> {
    return this;
  }

  get device(): PciDevice<R, S, A> {
    return this;
  }

  get bus(): BusTarget {
    return this.file;
  }

  get header(): PciHeader {
    return this.spec;
  }

  configure(where: number, bytes: number, value: number): void {
    this.config.write(where, bytes, value);
    this.spec.configured?.(this, where);
  }

  memory(bar: number): Uint8Array {
    const found = this.memories.get(bar);
    if (found) return found;
    throw new RangeError(`${this.name}: BAR ${bar} is no memory`);
  }

  /** Only a bus master accesses memory, and only what its addresses reach. */
  private limited(dma: Dma): Dma {
    return {
      read: (address, bytes) =>
        this.reaches(address, bytes) ? dma.read(address, bytes) : new Uint8Array(bytes).fill(0xff),
      write: (address, content) => {
        if (this.reaches(address, content.length)) dma.write(address, content);
      },
    };
  }

  private reaches(address: number | bigint, bytes: number): boolean {
    const { surroundings, config, spec } = this;
    const place = `${bytes} bytes of memory at 0x${address.toString(16)}`;
    if (!config.isMaster) {
      surroundings.complain(`accesses ${place} while bus mastering is off`);
      return false;
    }
    const bits = spec.dmaBits ?? ADDRESS_BITS;
    if (BigInt(address) + BigInt(bytes) <= 1n << BigInt(bits)) return true;
    surroundings.complain(`is to access ${place}, which is beyond its ${bits} address bits`);
    return false;
  }

  private send(vector: number): boolean {
    if (this.msix && this.config.msixEnabled) {
      this.msix.fire(vector);
      return true;
    }
    const message = this.config.msiMessage(vector);
    if (message) this.slot.message(message);
    return message !== undefined;
  }

  private decode(address: number, io: boolean): BusRegion | undefined {
    for (const [bar, target] of this.targets) {
      const { size, io: isIo = false } = this.spec.bars[bar];
      const start = isIo === io ? this.config.address(bar) : undefined;
      if (start !== undefined && address >= start && address < start + size) return { start, size, target };
    }
    return undefined;
  }

  private target(bar: number): BusTarget {
    const spec = this.spec.bars[bar];
    const own = this.ownTarget(bar, spec);
    const { msix } = this.spec.interrupts ?? {};
    const table = this.msix;
    if (!table || msix?.bar !== bar) return own;
    const first = msix.offset ?? 0;
    const inTable = (offset: number): boolean => offset >= first && offset < first + table.size;
    return {
      read: (offset, size) => (inTable(offset) ? table.read(offset - first, size) : own.read(offset, size)),
      write: (offset, size, value) =>
        inTable(offset) ? table.write(offset - first, size, value) : own.write(offset, size, value),
    };
  }

  private ownTarget(bar: number, spec: PciBar<PciDevice<R, S, A>>): BusTarget {
    if (spec.memory) return memoryTarget(this.memories.set(bar, new Uint8Array(spec.size)).get(bar)!);
    if (spec.read || spec.write)
      return {
        read: (offset, size) => spec.read?.(this, offset, size) ?? allOnes(size),
        write: (offset, size, value) => spec.write?.(this, offset, size, value),
      };
    const registers = Object.entries(this.spec.bars).find(
      ([, { memory, read, write }]) => !memory && !read && !write,
    );
    return registers && Number(registers[0]) === bar
      ? this.file
      : { read: (_, size) => allOnes(size), write: () => {} };
  }
}

function memoryTarget(bytes: Uint8Array): BusTarget {
  return {
    read(offset, size) {
      let value = 0n;
      for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[offset + i] ?? 0xff);
      return value;
    },
    write(offset, size, value) {
      for (let i = 0; i < size; i++) bytes[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    },
  };
}
