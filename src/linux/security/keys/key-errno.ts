/** Error numbers of keys and their parsers (errno(3), asm-generic/errno.h numbering). */
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EBADMSG = 74;
export const ENOKEY = 126;
export const EKEYREVOKED = 128;
