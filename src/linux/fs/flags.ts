/** open(2) flags, x86-64 numbering (include/uapi/asm-generic/fcntl.h). */
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_ACCMODE = 3;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const O_DIRECT = 0o40000;
export const O_LARGEFILE = 0o100000;
export const O_DIRECTORY = 0o200000;
export const O_NOFOLLOW = 0o400000;
/** __O_SYNC: what O_SYNC asks for besides O_DSYNC. */
export const O_SYNC_ONLY = 0o4000000;

/** struct file.f_mode (include/linux/fs.h). */
export const FMODE_READ = 0x1;
export const FMODE_WRITE = 0x2;
export const FMODE_LSEEK = 0x4;
export const FMODE_PREAD = 0x8;
export const FMODE_PWRITE = 0x10;
export const FMODE_ATOMIC_POS = 0x8000;
export const FMODE_CAN_READ = 0x2_0000;
export const FMODE_CAN_WRITE = 0x4_0000;
export const FMODE_OPENED = 0x8_0000;
export const FMODE_STREAM = 0x20_0000;

/** lseek(2). */
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;

/** Longest transfer of one read or write (MAX_RW_COUNT). */
export const MAX_RW_COUNT = 0x7fff_f000;

/** Largest file of a file system that has large ones (include/linux/fs.h). */
export const MAX_LFS_FILESIZE = (1n << 63n) - 1n;
