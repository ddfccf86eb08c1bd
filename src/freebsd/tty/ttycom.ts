import { IOC_IN as IN, ioc, IOC_OUT as OUT, IOC_VOID as VOID } from '../ioccom.js';

/** sizeof(struct termios) */
const TERMIOS = 44;
/** sizeof(struct winsize) */
const WINSIZE = 8;
/** sizeof(int) */
const INT = 4;

/** Requests to terminals (sys/sys/ttycom.h, sys/sys/filio.h). */
export const FIONREAD = ioc(OUT, 'f', 127, INT);
export const TIOCFLUSH = ioc(IN, 't', 16, INT);
export const TIOCGETA = ioc(OUT, 't', 19, TERMIOS);
export const TIOCSETA = ioc(IN, 't', 20, TERMIOS);
export const TIOCSETAW = ioc(IN, 't', 21, TERMIOS);
export const TIOCSETAF = ioc(IN, 't', 22, TERMIOS);
export const TIOCDRAIN = ioc(VOID, 't', 94, 0);
export const TIOCSWINSZ = ioc(IN, 't', 103, WINSIZE);
export const TIOCGWINSZ = ioc(OUT, 't', 104, WINSIZE);
export const TIOCOUTQ = ioc(OUT, 't', 115, INT);
export const TIOCMGET = ioc(OUT, 't', 106, INT);
export const TIOCMBIC = ioc(IN, 't', 107, INT);
export const TIOCMBIS = ioc(IN, 't', 108, INT);
/** Of what TIOCMGET gives: the line is enabled. The others are those of sys/serial.h, a bit higher. */
export const TIOCM_LE = 1;
