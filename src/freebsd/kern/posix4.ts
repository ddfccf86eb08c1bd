import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** Which of POSIX's options there are: what sysctl p1003_1b tells (sys/kern/posix4_mib.c), by their numbers from 1 on. */
export class PosixOptions implements Subsystem {
  private readonly values = new Map<number, number>();

  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    p31b_setcfg: (number: number, value: number) => this.set(number, value),
    p31b_getcfg: (number: number) => this.values.get(number) ?? 0,
    p31b_iscfg: (number: number) => Number(this.values.has(number)),
    p31b_unsetcfg: (number: number) => void this.values.delete(number),
  };

  readonly signatures = { p31b_getcfg: 'i:i', p31b_iscfg: 'i:i', p31b_unsetcfg: 'v:i', p31b_setcfg: 'v:ii' };

  private set(number: number, value: number): void {
    if (number >= 1 && number < this.k.macro('CTL_P1003_1B_MAXID')) this.values.set(number, value);
  }
}
