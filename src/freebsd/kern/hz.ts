/** Ticks a second of GENERIC on amd64 (HZ, sys/kern/subr_param.c). */
export const HZ = 1000;
