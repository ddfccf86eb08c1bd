/** IOC_VOID, IOC_OUT and IOC_IN: whether a request takes no structure, or copies it out or in (sys/sys/ioccom.h). */
export const IOC_VOID = 0x2000_0000;
export const IOC_OUT = 0x4000_0000;
export const IOC_IN = 0x8000_0000;
export const IOCPARM_MASK = 0x1fff;

/** _IOC(): direction, bytes of the argument, group, number. */
export function ioc(direction: number, group: string, number: number, bytes: number): number {
  return (direction | ((bytes & IOCPARM_MASK) << 16) | (group.charCodeAt(0) << 8) | number) >>> 0;
}

/** IOCPARM_LEN(): bytes of a request's structure. */
export function iocLength(command: number): number {
  return (command >>> 16) & IOCPARM_MASK;
}
