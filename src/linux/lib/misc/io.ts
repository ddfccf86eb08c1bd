import type { Ptr } from '../../../cpu/layout.js';
import { constant } from '../../../kernel/abi/fidelity.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** "Addresses" from here to PIO_END are port numbers (lib/iomap.c). */
const PIO_OFFSET = 0x1_0000;
const PIO_END = 0x4_0000;
const PORT_MASK = 0xffff;

type Size = 1 | 2 | 4;

/** Registers behind a cookie that is a port or an address (Documentation/driver-api/device-io.rst). */
export class IoAccess implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ioread8: (at: Ptr) => this.read(at, 1),
    ioread16: (at: Ptr) => this.read(at, 2),
    ioread32: (at: Ptr) => this.read(at, 4),
    ioread16be: (at: Ptr) => swap(this.read(at, 2), 2),
    ioread32be: (at: Ptr) => swap(this.read(at, 4), 4),
    ioread64_lo_hi: (at: Ptr) => BigInt(this.read(at, 4)) | (BigInt(this.read(at + 4, 4)) << 32n),
    ioread64_hi_lo: (at: Ptr) => BigInt(this.read(at, 4)) | (BigInt(this.read(at + 4, 4)) << 32n),
    iowrite8: (value: number, at: Ptr) => this.write(at, 1, value),
    iowrite16: (value: number, at: Ptr) => this.write(at, 2, value),
    iowrite32: (value: number, at: Ptr) => this.write(at, 4, value),
    iowrite16be: (value: number, at: Ptr) => this.write(at, 2, swap(value, 2)),
    iowrite32be: (value: number, at: Ptr) => this.write(at, 4, swap(value, 4)),
    iowrite64_lo_hi: (value: bigint, at: Ptr) => this.write64(at, value),
    iowrite64_hi_lo: (value: bigint, at: Ptr) => this.write64(at, value),
    ioread8_rep: (at: Ptr, buf: Ptr, count: number) => this.readMany(at, 1, buf, count),
    ioread16_rep: (at: Ptr, buf: Ptr, count: number) => this.readMany(at, 2, buf, count),
    ioread32_rep: (at: Ptr, buf: Ptr, count: number) => this.readMany(at, 4, buf, count),
    iowrite8_rep: (at: Ptr, buf: Ptr, count: number) => this.writeMany(at, 1, buf, count),
    iowrite16_rep: (at: Ptr, buf: Ptr, count: number) => this.writeMany(at, 2, buf, count),
    iowrite32_rep: (at: Ptr, buf: Ptr, count: number) => this.writeMany(at, 4, buf, count),
    ioport_map: (port: number) => cookieOf(port),
    // There is nothing to undo when the device goes.
    devm_ioport_map: (_device: Ptr, port: number) => cookieOf(port),
    ioport_unmap: constant(undefined),
    __iowrite32_copy: (to: Ptr, from: Ptr, count: number) => this.copy(to, from, count, 4),
    __iowrite64_copy: (to: Ptr, from: Ptr, count: number) => this.copy(to, from, count, 8),
    __ioread32_copy: (to: Ptr, from: Ptr, count: number) => this.copy(to, from, count, 4),
  };

  readonly signatures = {
    iowrite64_lo_hi: 'v:Qp',
    iowrite64_hi_lo: 'v:Qp',
    __iowrite32_copy: 'v:ppL',
  };

  private read(at: Ptr, size: Size): number {
    if (isPort(at)) return this.k.platform.portIn(at & PORT_MASK, size) >>> 0;
    const { space } = this.k;
    return size === 1 ? space.load8(at) : size === 2 ? space.load16(at) : space.load32(at);
  }

  /** iowrite8() and its kin. */
  write(at: Ptr, size: Size, value: number): void {
    const { space } = this.k;
    if (isPort(at)) this.k.platform.portOut(at & PORT_MASK, size, value);
    else if (space.isDevice(at)) this.tell(at, size, BigInt(value >>> 0));
    else if (size === 1) space.store8(at, value);
    else if (size === 2) space.store16(at, value);
    else space.store32(at, value);
  }

  /** A device's register: it is told of what is put there. */
  private tell(at: Ptr, size: number, value: bigint): void {
    const { space } = this.k;
    for (let i = 0; i < size; i++) space.bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    space.writeDevice(at, size);
  }

  private write64(at: Ptr, value: bigint): void {
    this.write(at, 4, Number(value & 0xffff_ffffn));
    this.write(at + 4, 4, Number(value >> 32n));
  }

  private readMany(at: Ptr, size: Size, buf: Ptr, count: number): void {
    for (let i = 0; i < count; i++) this.store(buf + i * size, size, this.read(at, size));
  }

  private writeMany(at: Ptr, size: Size, buf: Ptr, count: number): void {
    for (let i = 0; i < count; i++) this.write(at, size, this.load(buf + i * size, size));
  }

  private load(at: Ptr, size: Size): number {
    const { space } = this.k;
    return size === 1 ? space.load8(at) : size === 2 ? space.load16(at) : space.load32(at);
  }

  private store(at: Ptr, size: Size, value: number): void {
    const { space } = this.k;
    if (size === 1) space.store8(at, value);
    else if (size === 2) space.store16(at, value);
    else space.store32(at, value);
  }

  /** Element by element, which a device sees. */
  private copy(to: Ptr, from: Ptr, count: number, size: 4 | 8): void {
    const { space } = this.k;
    for (let i = 0; i < count * size; i += size) {
      const value = size === 8 ? space.load64(from + i) : BigInt(space.load32(from + i));
      if (space.isDevice(to + i)) this.tell(to + i, size, value);
      else if (size === 8) space.store64(to + i, value);
      else space.store32(to + i, Number(value));
    }
  }
}

function cookieOf(port: number): Ptr {
  return port > PORT_MASK ? 0 : port + PIO_OFFSET;
}

/** Whether a cookie stands for a port. */
export function isPort(at: Ptr): boolean {
  return at >= PIO_OFFSET && at < PIO_END;
}

function swap(value: number, size: 2 | 4): number {
  if (size === 2) return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
  return ((swap(value & 0xffff, 2) << 16) | swap(value >>> 16, 2)) >>> 0;
}
