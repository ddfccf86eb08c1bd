/** The argument is copied to the program (IOC_OUT of sys/sys/ioccom.h). */
export const IOC_OUT = 0x4000_0000;
/** The argument is copied from the program (IOC_IN). */
export const IOC_IN = 0x8000_0000;
/** There is no argument (IOC_VOID). */
export const IOC_VOID = 0x2000_0000;

/** _IOC() of sys/sys/ioccom.h: direction, group, number, bytes of the argument. */
export function ioc(direction: number, group: string, number: number, bytes: number): number {
  return (direction | ((bytes & 0x1fff) << 16) | (group.charCodeAt(0) << 8) | number) >>> 0;
}
