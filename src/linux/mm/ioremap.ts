import { PAGE_SIZE, type Ptr } from '../../cpu/layout.js';
import type { Holding, Origin } from '../holding.js';
import { symbolize } from '../kallsyms/symbolize.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Physical addresses below this are RAM of the machine: ioremap refuses them, as the real kernel does. */
const RAM_END = 0x4000_0000;
const LOW_MEMORY = 0x10_0000;
/** The smallest part of memory that a BAR can decode. */
const SMALLEST_REGION = 16;

/** What answers at physical addresses beyond RAM: a machine's bus. */
export interface PhysicalBus {
  /** Whether somebody decodes an address now. */
  answers(physical: number): boolean;
  read(physical: number, size: number): bigint;
  write(physical: number, size: number, value: bigint): void;
}

/** What a caller of ioremap() asked for. */
interface IoMapping {
  readonly physical: number;
  /** Bytes. */
  readonly size: number;
  readonly by: Origin;
}

const pageOf = (address: Ptr): Ptr => address & ~(PAGE_SIZE - 1);

/** As %pR prints a resource of memory. */
function memoryRange(start: number, size: number): string {
  const hex = (address: number): string => `0x${address.toString(16).padStart(8, '0')}`;
  return `[mem ${hex(start)}-${hex(start + size - 1)}]`;
}

/** Memory that a device has at a physical address. */
export interface DeviceMemory {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/**
 * ioremap (arch/x86/mm/ioremap.c). The machine's bus is empty: where nothing answers, reads give all ones, so
 * a fresh mapping is filled with them.
 */
export class Ioremap implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ioremap: (physical: number, size: number) => this.map(physical, size),
    ioremap_cache: (physical: number, size: number) => this.map(physical, size),
    ioremap_uc: (physical: number, size: number) => this.map(physical, size),
    ioremap_wc: (physical: number, size: number) => this.map(physical, size),
    ioremap_wt: (physical: number, size: number) => this.map(physical, size),
    iounmap: (address: Ptr) => this.unmap(address),
    __virt_addr_valid: (address: Ptr) => address < 0x4000_0000 && this.k.space.isMapped(address),
  };

  readonly signatures = {
    __virt_addr_valid: 'b:p',
  };

  /** The bus of a machine that has devices. */
  bus: PhysicalBus | undefined;

  /** Memory of devices on the bus. */
  private readonly devices: DeviceMemory[] = [];
  /** What device memory each mapping shows. */
  private readonly shown = new Map<
    Ptr,
    { readonly memory: DeviceMemory; readonly offset: number; readonly size: number }
  >();

  /** What is mapped, by the first page of where it is. */
  private readonly mapped = new Map<Ptr, IoMapping>();

  *holds(): Generator<Holding> {
    for (const [at, { physical, size, by }] of this.mapped)
      yield { kind: 'I/O memory mapping', at, by, name: () => memoryRange(physical, size) };
  }

  /** A device answers at a range of physical addresses, with memory. What is mapped of it is brought back when the mapping goes. */
  attach(memory: DeviceMemory): void {
    this.devices.push(memory);
  }

  detach(memory: DeviceMemory): void {
    this.devices.splice(this.devices.indexOf(memory), 1);
  }

  /** iounmap() */
  unmap(address: Ptr): void {
    if (address === 0) return;
    this.mapped.delete(pageOf(address));
    const shown = this.shown.get(address);
    if (shown) {
      shown.memory.bytes.set(this.k.space.bytes.subarray(address, address + shown.size), shown.offset);
      this.shown.delete(address);
    }
    this.k.areas.free(pageOf(address));
  }

  /** ioremap() */
  map(physical: number, size: number): Ptr {
    if (size <= 0) return 0;
    if (physical >= LOW_MEMORY && physical < RAM_END) {
      const message = `ioremap on RAM at 0x${physical.toString(16).padStart(16, '0')} - 0x${(physical + size - 1).toString(16).padStart(16, '0')}`;
      this.k.traps.warnWith(
        this.k.executor.current!,
        'warning',
        message,
        'arch/x86/mm/ioremap.c:211',
        this.k.fn(this.k.hasSymbol('__ioremap_caller') ? '__ioremap_caller' : 'ioremap'),
      );
      return 0;
    }
    const offset = physical % PAGE_SIZE;
    const bytes = Math.ceil((offset + size) / PAGE_SIZE) * PAGE_SIZE;
    const base = this.k.areas.allocateWindow(bytes, 'ioremap');
    if (base === 0) return 0;
    if (physical >= LOW_MEMORY) this.k.space.bytes.fill(0xff, base, base + bytes);
    const mapping = { physical, size, by: this.k.origins.here() };
    this.mapped.set(base, mapping);
    this.connect(base, physical - offset, bytes, mapping);
    this.show(base + offset, physical, size);
    return base + offset;
  }

  /** Where something answers each access goes there, for as long as the mapping lives: who answers may change. */
  private connect(base: Ptr, physical: number, bytes: number, mapping: IoMapping): void {
    const { bus } = this;
    if (!bus) return;
    for (let at = 0; at < bytes; at += PAGE_SIZE) {
      // A region may be smaller than a page, and lie anywhere in it.
      const answered = Array.from(
        { length: PAGE_SIZE / SMALLEST_REGION },
        (_, i) => physical + at + i * SMALLEST_REGION,
      );
      if (!answered.some((address) => bus.answers(address))) continue;
      const page = physical + at;
      this.k.space.mapDevice(base + at, PAGE_SIZE, {
        read: (offset, size) => {
          this.checkBounds(mapping, page + offset, size, 'reads');
          return bus.read(page + offset, size);
        },
        write: (offset, size, value) => {
          this.checkBounds(mapping, page + offset, size, 'writes');
          bus.write(page + offset, size, value);
        },
      });
    }
  }

  /** Pages are mapped whole: what of them was not asked for is told of. */
  private checkBounds({ physical, size, by }: IoMapping, at: number, bytes: number, verb: string): void {
    if (at >= physical && at + bytes <= physical + size) return;
    const { k } = this;
    const mapped = `${memoryRange(physical, size)}, mapped by ${symbolize(k, by.caller)}`;
    const message = `modbox: ${verb} ${bytes} bytes at ${memoryRange(at, bytes)}, outside of ${mapped}`;
    k.traps.complain('out-of-bounds', message, at);
  }

  private show(at: Ptr, physical: number, size: number): void {
    const memory = this.devices.find(
      ({ start, bytes }) => physical >= start && physical + size <= start + bytes.length,
    );
    if (!memory) return;
    const offset = physical - memory.start;
    this.k.space.bytes.set(memory.bytes.subarray(offset, offset + size), at);
    this.shown.set(at, { memory, offset, size });
  }
}
