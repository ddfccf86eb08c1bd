/** States that a task sets itself to (include/linux/sched.h). */
export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const TASK_NORMAL = 3;
export const TASK_DEAD = 0x80;
/** Waits for a lock that is a spinlock without PREEMPT_RT. */
export const TASK_RTLOCK_WAIT = 0x1000;
