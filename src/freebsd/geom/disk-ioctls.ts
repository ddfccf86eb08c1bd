import { IOC_IN, IOC_OUT, IOC_VOID, ioc } from '../ioccom.js';

/** DISK_IDENT_SIZE and MAXPATHLEN. */
const IDENT = 256;
const PATH = 1024;
/** sizeof(struct diocgattr_arg) */
const ATTRIBUTE = 328;

/** Requests to disks (sys/sys/disk.h). */
export const DIOCGSECTORSIZE = ioc(IOC_OUT, 'd', 128, 4);
export const DIOCGMEDIASIZE = ioc(IOC_OUT, 'd', 129, 8);
export const DIOCGFWSECTORS = ioc(IOC_OUT, 'd', 130, 4);
export const DIOCGFWHEADS = ioc(IOC_OUT, 'd', 131, 4);
export const DIOCGFLUSH = ioc(IOC_VOID, 'd', 135, 0);
export const DIOCGDELETE = ioc(IOC_IN, 'd', 136, 16);
export const DIOCGIDENT = ioc(IOC_OUT, 'd', 137, IDENT);
export const DIOCGPROVIDERNAME = ioc(IOC_OUT, 'd', 138, PATH);
export const DIOCGSTRIPESIZE = ioc(IOC_OUT, 'd', 139, 8);
export const DIOCGSTRIPEOFFSET = ioc(IOC_OUT, 'd', 140, 8);
export const DIOCGPHYSPATH = ioc(IOC_OUT, 'd', 141, PATH);
export const DIOCGATTR = ioc(IOC_IN | IOC_OUT, 'd', 142, ATTRIBUTE);

/** Attributes that ioctls ask for, and whether an answer of 0 is none. */
export const IOCTL_ATTRIBUTES = new Map<number, { readonly name: string; readonly demanded: boolean }>([
  [DIOCGFWSECTORS, { name: 'GEOM::fwsectors', demanded: true }],
  [DIOCGFWHEADS, { name: 'GEOM::fwheads', demanded: true }],
  [DIOCGIDENT, { name: 'GEOM::ident', demanded: false }],
  [DIOCGPHYSPATH, { name: 'GEOM::physpath', demanded: true }],
]);
