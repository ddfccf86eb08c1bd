/** What the parts of preempt_count count in (include/linux/preempt.h). */
export const PREEMPT_OFFSET = 1;
export const SOFTIRQ_OFFSET = 0x100;
export const SOFTIRQ_DISABLE_OFFSET = 0x200;
export const HARDIRQ_OFFSET = 0x1_0000;
