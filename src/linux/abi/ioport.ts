/** Flags of a struct resource (include/linux/ioport.h). */
export const IORESOURCE_TYPE_BITS = 0x1f00;
export const IORESOURCE_IO = 0x100;
export const IORESOURCE_MEM = 0x200;
export const IORESOURCE_IRQ = 0x400;
export const IORESOURCE_DMA = 0x800;
export const IORESOURCE_BUS = 0x1000;
/** Says more of the kind: system RAM. */
export const IORESOURCE_EXT_TYPE_BITS = 0x0100_0000;
export const IORESOURCE_PREFETCH = 0x2000;
export const IORESOURCE_READONLY = 0x4000;
export const IORESOURCE_SIZEALIGN = 0x4_0000;
export const IORESOURCE_MEM_64 = 0x10_0000;
export const IORESOURCE_WINDOW = 0x20_0000;
/** Nobody else may map it from user space. */
export const IORESOURCE_EXCLUSIVE = 0x0800_0000;
export const IORESOURCE_UNSET = 0x2000_0000;
export const IORESOURCE_BUSY = 0x8000_0000;

/** resource_type() */
export const resourceType = (flags: number): number => flags & IORESOURCE_TYPE_BITS;
