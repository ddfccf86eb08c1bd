import { GUEST_LIMIT } from '../layout.js';
import { DEVICE_READS, DEVICE_WRITES } from '../translate/device.js';
import { DEVICE_WRITE } from './layout.js';
import type { Registers } from './registers.js';

const SIZE = 0xff;

/** Accesses of translated code to devices' pages: before the instruction what it reads is fetched, after it what it wrote is passed on. */
export class DeviceAccess {
  private at = 0;
  private size = 0;

  constructor(private readonly regs: Registers) {}

  /** An instruction is about to access a linear offset, with the upper half of its address; `what`: bytes, and whether it reads and writes. Non-zero: nothing answers there. */
  access(linear: number, upper: number, what: number): number {
    const { space } = this.regs;
    const ptr = linear >>> 0;
    const size = what & SIZE;
    if (ptr >= GUEST_LIMIT || !space.isDevice(ptr) || !space.isDevice(ptr + size - 1)) return 1;
    if (!space.isAt(ptr, upper >>> 0)) return 1;
    if (what & DEVICE_READS) space.readDevice(ptr, size);
    if (what & DEVICE_WRITES) {
      this.at = ptr;
      this.size = size;
      this.regs.setU32(DEVICE_WRITE, 1);
    }
    return 0;
  }

  written(): void {
    this.regs.setU32(DEVICE_WRITE, 0);
    this.regs.space.writeDevice(this.at, this.size);
  }
}
