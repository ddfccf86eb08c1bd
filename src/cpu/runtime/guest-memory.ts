import type { AddressSpace } from '../address-space.js';
import type { CpuException } from '../cpu-types.js';
import type { MemOperand } from '../decode/instruction.js';
import { GUEST_LIMIT, PAGE_SIZE } from '../layout.js';
import type { Registers } from './registers.js';

const mask64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Thrown inside the host side of the CPU, never out of it. */
export class CpuFault extends Error {
  constructor(readonly exception: CpuException) {
    super(exception.vector);
  }
}

/** Guest memory by 64-bit address, with the checks of machine code: page crossings, aliases, precise faults. */
export class CheckedMemory {
  constructor(
    private readonly space: AddressSpace,
    private readonly regs: Registers,
  ) {}

  /** Effective address of an operand, from the register file. */
  address(memory: MemOperand): bigint {
    let at = BigInt(memory.disp);
    if (memory.base >= 0) at += this.regs.get(memory.base);
    if (memory.index >= 0) at += this.regs.get(memory.index) * BigInt(memory.scale);
    if (memory.addr32) at &= 0xffff_ffffn;
    if (memory.segment === 'gs') at += this.regs.gsBase;
    else if (memory.segment === 'fs') at += this.regs.fsBase;
    return mask64(at);
  }

  /** Linear offset of one accessible byte, or -1. */
  locate(address: bigint, write: boolean): number {
    const low = Number(address & 0xffff_ffffn);
    const high = Number(address >> 32n);
    const linear = (low ^ 0x8000_0000) >>> 0;
    if (linear >= GUEST_LIMIT) return -1;
    if (!(write ? this.space.canWrite(linear) : this.space.canRead(linear))) return -1;
    return this.space.isAt(linear, high) ? linear : -1;
  }

  /** The fault that accessing `size` bytes raises, if any. */
  probe(address: bigint, size: number, write: boolean): CpuException | undefined {
    for (let done = 0; done < size; ) {
      const at = mask64(address + BigInt(done));
      if (this.locate(at, write) < 0) return faultAt(at, write);
      done += PAGE_SIZE - Number(at & 0xfffn);
    }
    return undefined;
  }

  /** Linear offset of `size` accessible bytes; throws CpuFault. All memory that is adjacent is so linearly. */
  require(address: bigint, size: number, write: boolean): number {
    const fault = this.probe(address, size, write);
    if (fault) throw new CpuFault(fault);
    return this.locate(address, write);
  }

  private refusePoison(ptr: number, address: bigint, size: number, access: 'read' | 'write'): void {
    const { space } = this;
    if (size <= 8 && space.isWatched(ptr) && space.shadow.firstPoisoned(ptr, size) !== undefined)
      throw new CpuFault({ vector: 'PF', address, access, poisoned: size });
  }

  /** The linear offset of an address at which a device answers. */
  deviceAt(address: bigint): number | undefined {
    const linear = (Number(address & 0xffff_ffffn) ^ 0x8000_0000) >>> 0;
    const { space } = this;
    return space.isDevice(linear) && space.isAt(linear, Number(address >> 32n)) ? linear : undefined;
  }

  load(address: bigint, size: number): bigint {
    const device = this.deviceAt(address);
    if (device !== undefined) {
      this.space.readDevice(device, size);
      return readLe(this.space.bytes, device, size);
    }
    const ptr = this.require(address, size, false);
    this.refusePoison(ptr, address, size, 'read');
    return readLe(this.space.bytes, ptr, size);
  }

  store(address: bigint, size: number, value: bigint): void {
    const device = this.deviceAt(address);
    if (device !== undefined) {
      writeLe(this.space.bytes, device, size, value);
      this.space.writeDevice(device, size);
      return;
    }
    const ptr = this.require(address, size, true);
    this.refusePoison(ptr, address, size, 'write');
    writeLe(this.space.bytes, ptr, size, value);
  }
}

/** #PF, or #GP for addresses that are not canonical (Intel SDM volume 1, 3.3.7.1). */
export function faultAt(address: bigint, write: boolean): CpuException {
  const top = BigInt.asIntN(64, address) >> 47n;
  const canonical = top === 0n || top === -1n;
  return { vector: canonical ? 'PF' : 'GP', address, access: write ? 'write' : 'read' };
}

export function readLe(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]);
  return value;
}

export function writeLe(bytes: Uint8Array, at: number, size: number, value: bigint): void {
  let rest = value;
  for (let i = 0; i < size; i++) {
    bytes[at + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
