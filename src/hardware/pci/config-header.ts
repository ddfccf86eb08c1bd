/** Offsets and bits of a function's configuration space (PCI Local Bus Specification 3.0, 6.1, 6.7, 6.8), as models and those who hand one on have them. */
export const CONFIG_COMMAND = 0x04;
export const CONFIG_STATUS = 0x06;
export const CLASS_REVISION = 0x08;
export const CACHE_LINE = 0x0c;
export const BASE_ADDRESS = 0x10;
export const SUBSYSTEM = 0x2c;
export const CAPABILITIES = 0x34;
export const INTERRUPT_LINE = 0x3c;
export const DECODES_PORTS = 1;
export const DECODES_MEMORY = 2;
export const MASTERS_BUS = 4;
export const COMMAND_INTX_OFF = 0x400;
export const COMMAND_BITS = 0x547;
export const STATUS_CAPABILITIES = 0x10;
export const BAR_IO = 1;
export const BAR_64 = 4;
export const BAR_PREFETCH = 8;
export const FIRST_CAPABILITY = 0x40;
/** Capability identifiers (appendix H). */
export const POWER = 0x01;
export const MSI = 0x05;
export const EXPRESS = 0x10;
export const MSIX = 0x11;
export const HEADER_TYPE = 0x0e;
export const INTERRUPT_PIN = 0x3d;
/** Letters of interrupt pins, from 1 on. */
export const PINS = 'ABCD';
