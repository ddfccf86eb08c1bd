/** Error numbers that only networking uses (errno(3), asm-generic/errno.h numbering). */
export const EEXIST = 17;
export const EMSGSIZE = 90;
export const ENOPROTOOPT = 92;
export const EPROTONOSUPPORT = 93;
export const ESOCKTNOSUPPORT = 94;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ENOTCONN = 107;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
