/** A device number as the kernel holds it: 12 bits major, 20 bits minor (include/linux/kdev_t.h). */
export const MINOR_BITS = 20;
export const MKDEV = (major: number, minor: number): number => major * 2 ** MINOR_BITS + minor;
export const MAJOR = (dev: number): number => dev >>> MINOR_BITS;
export const MINOR = (dev: number): number => dev & (2 ** MINOR_BITS - 1);

/** Majors that drivers may ask for are below it: CHRDEV_MAJOR_MAX, BLKDEV_MAJOR_MAX (include/linux/fs.h, block/genhd.c). */
export const MAJOR_MAX = 512;
