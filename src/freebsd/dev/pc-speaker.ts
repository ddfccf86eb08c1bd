import { partly } from '../../kernel/abi/fidelity.js';
import { EBUSY } from '../errno.js';
import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** The speaker that timer 2 of the PC drives (sys/x86/isa/clock.c). */
export class PcSpeaker implements Subsystem {
  private taken = false;
  /** The frequency that it sounds at, in hertz; 0 for silence. */
  frequency = 0;

  constructor(readonly k: FreebsdKernel) {}

  readonly exports = {
    timer_spkr_acquire: partly('nobody hears the speaker', () => this.acquire()),
    timer_spkr_release: () => {
      this.taken = false;
      this.frequency = 0;
      return 0;
    },
    timer_spkr_setfreq: (hertz: number) => {
      this.frequency = hertz;
    },
  };

  private acquire(): number {
    if (this.taken) return EBUSY;
    this.taken = true;
    return 0;
  }
}
