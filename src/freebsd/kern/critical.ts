import type { FreebsdKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** critical_enter(9) and spinlock_enter(): nothing preempts the thread, and with spin locks nothing interrupts it (sys/kern/kern_switch.c). */
export class Critical implements Subsystem {
  constructor(private readonly k: FreebsdKernel) {}

  readonly exports = {
    critical_enter_KBI: () => {
      this.k.processes.critnest++;
    },
    critical_exit_KBI: () => {
      this.k.processes.critnest--;
    },
    // The thread was to be preempted meanwhile: it is at the next tick.
    critical_exit_preempt: () => {},
    spinlock_enter: () => this.spinEnter(),
    spinlock_exit: () => this.spinExit(),
  };

  spinEnter(): void {
    const { k } = this;
    const type = k.struct('thread');
    const count = type.get(k.curthread, 'td_md.md_spinlock_count');
    if (count === 0) {
      type.set(k.curthread, 'td_md.md_saved_flags', k.cpu.interruptsEnabled ? PSL_I : 0);
      k.cpu.interruptsEnabled = false;
      k.processes.critnest++;
    }
    type.set(k.curthread, 'td_md.md_spinlock_count', count + 1);
  }

  spinExit(): void {
    const { k } = this;
    const type = k.struct('thread');
    const count = type.get(k.curthread, 'td_md.md_spinlock_count') - 1;
    type.set(k.curthread, 'td_md.md_spinlock_count', count);
    if (count !== 0) return;
    k.processes.critnest--;
    k.cpu.interruptsEnabled = (type.get(k.curthread, 'td_md.md_saved_flags') & PSL_I) !== 0;
  }
}

/** The interrupt flag of rflags (PSL_I, sys/x86/include/psl.h). */
const PSL_I = 0x200;
