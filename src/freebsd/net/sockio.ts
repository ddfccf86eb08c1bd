import { IOC_IN as IN, ioc, IOC_OUT as OUT } from '../ioccom.js';

/** sizeof(struct ifreq) */
const IFREQ = 32;
const IFMEDIAREQ = 48;

/** Requests to interfaces (sys/sys/sockio.h). */
export const SIOCSIFADDR = ioc(IN, 'i', 12, IFREQ);
export const SIOCGIFADDR = ioc(IN | OUT, 'i', 33, IFREQ);
export const SIOCSIFFLAGS = ioc(IN, 'i', 16, IFREQ);
export const SIOCADDMULTI = ioc(IN, 'i', 49, IFREQ);
export const SIOCDELMULTI = ioc(IN, 'i', 50, IFREQ);
export const SIOCSIFMTU = ioc(IN, 'i', 52, IFREQ);
export const SIOCSIFMEDIA = ioc(IN | OUT, 'i', 55, IFREQ);
export const SIOCGIFMEDIA = ioc(IN | OUT, 'i', 56, IFMEDIAREQ);
export const SIOCGIFXMEDIA = ioc(IN | OUT, 'i', 139, IFMEDIAREQ);
export const SIOCSIFLLADDR = ioc(IN, 'i', 60, IFREQ);
