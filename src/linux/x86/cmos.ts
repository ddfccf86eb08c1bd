import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const INDEX_PORT = 0x70;
const DATA_PORT = 0x71;

/** The battery-backed memory beside the real-time clock, behind its index and data ports (arch/x86/kernel/rtc.c). */
export class CmosClock implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    rtc_cmos_read: (register: number) => {
      this.k.platform.portOut(INDEX_PORT, 1, register);
      return this.k.platform.portIn(DATA_PORT, 1) & 0xff;
    },
    rtc_cmos_write: (value: number, register: number) => {
      this.k.platform.portOut(INDEX_PORT, 1, register);
      this.k.platform.portOut(DATA_PORT, 1, value);
    },
  };
}
