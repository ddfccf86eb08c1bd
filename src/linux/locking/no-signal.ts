/** What sleeping locks do less than the kernel's where a wait could be given up. */
export const NO_SIGNAL = 'no signal ends the wait';
