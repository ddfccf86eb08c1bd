import type { FileErrors } from '../kernel/files/index.js';

/** errno(2) of FreeBSD: name, number, and what strerror(3) says (lib/libc/gen/errlst.c). */
const ERRORS: readonly (readonly [name: string, number: number, text: string])[] = [
  ['EPERM', 1, 'Operation not permitted'],
  ['ENOENT', 2, 'No such file or directory'],
  ['ESRCH', 3, 'No such process'],
  ['EINTR', 4, 'Interrupted system call'],
  ['EIO', 5, 'Input/output error'],
  ['ENXIO', 6, 'Device not configured'],
  ['E2BIG', 7, 'Argument list too long'],
  ['ENOEXEC', 8, 'Exec format error'],
  ['EBADF', 9, 'Bad file descriptor'],
  ['ECHILD', 10, 'No child processes'],
  ['EDEADLK', 11, 'Resource deadlock avoided'],
  ['ENOMEM', 12, 'Cannot allocate memory'],
  ['EACCES', 13, 'Permission denied'],
  ['EFAULT', 14, 'Bad address'],
  ['ENOTBLK', 15, 'Block device required'],
  ['EBUSY', 16, 'Device busy'],
  ['EEXIST', 17, 'File exists'],
  ['EXDEV', 18, 'Cross-device link'],
  ['ENODEV', 19, 'Operation not supported by device'],
  ['ENOTDIR', 20, 'Not a directory'],
  ['EISDIR', 21, 'Is a directory'],
  ['EINVAL', 22, 'Invalid argument'],
  ['ENFILE', 23, 'Too many open files in system'],
  ['EMFILE', 24, 'Too many open files'],
  ['ENOTTY', 25, 'Inappropriate ioctl for device'],
  ['ETXTBSY', 26, 'Text file busy'],
  ['EFBIG', 27, 'File too large'],
  ['ENOSPC', 28, 'No space left on device'],
  ['ESPIPE', 29, 'Illegal seek'],
  ['EROFS', 30, 'Read-only file system'],
  ['EMLINK', 31, 'Too many links'],
  ['EPIPE', 32, 'Broken pipe'],
  ['EDOM', 33, 'Numerical argument out of domain'],
  ['ERANGE', 34, 'Result too large'],
  ['EAGAIN', 35, 'Resource temporarily unavailable'],
  ['EINPROGRESS', 36, 'Operation now in progress'],
  ['EALREADY', 37, 'Operation already in progress'],
  ['ENOTSOCK', 38, 'Socket operation on non-socket'],
  ['EDESTADDRREQ', 39, 'Destination address required'],
  ['EMSGSIZE', 40, 'Message too long'],
  ['EPROTOTYPE', 41, 'Protocol wrong type for socket'],
  ['ENOPROTOOPT', 42, 'Protocol not available'],
  ['EPROTONOSUPPORT', 43, 'Protocol not supported'],
  ['ESOCKTNOSUPPORT', 44, 'Socket type not supported'],
  ['EOPNOTSUPP', 45, 'Operation not supported'],
  ['EPFNOSUPPORT', 46, 'Protocol family not supported'],
  ['EAFNOSUPPORT', 47, 'Address family not supported by protocol family'],
  ['EADDRINUSE', 48, 'Address already in use'],
  ['EADDRNOTAVAIL', 49, "Can't assign requested address"],
  ['ENETDOWN', 50, 'Network is down'],
  ['ENETUNREACH', 51, 'Network is unreachable'],
  ['ENETRESET', 52, 'Network dropped connection on reset'],
  ['ECONNABORTED', 53, 'Software caused connection abort'],
  ['ECONNRESET', 54, 'Connection reset by peer'],
  ['ENOBUFS', 55, 'No buffer space available'],
  ['EISCONN', 56, 'Socket is already connected'],
  ['ENOTCONN', 57, 'Socket is not connected'],
  ['ESHUTDOWN', 58, "Can't send after socket shutdown"],
  ['ETOOMANYREFS', 59, "Too many references: can't splice"],
  ['ETIMEDOUT', 60, 'Operation timed out'],
  ['ECONNREFUSED', 61, 'Connection refused'],
  ['ELOOP', 62, 'Too many levels of symbolic links'],
  ['ENAMETOOLONG', 63, 'File name too long'],
  ['EHOSTDOWN', 64, 'Host is down'],
  ['EHOSTUNREACH', 65, 'No route to host'],
  ['ENOTEMPTY', 66, 'Directory not empty'],
  ['EPROCLIM', 67, 'Too many processes'],
  ['EUSERS', 68, 'Too many users'],
  ['EDQUOT', 69, 'Disc quota exceeded'],
  ['ESTALE', 70, 'Stale NFS file handle'],
  ['EREMOTE', 71, 'Too many levels of remote in path'],
  ['EBADRPC', 72, 'RPC struct is bad'],
  ['ERPCMISMATCH', 73, 'RPC version wrong'],
  ['EPROGUNAVAIL', 74, 'RPC prog. not avail'],
  ['EPROGMISMATCH', 75, 'Program version wrong'],
  ['EPROCUNAVAIL', 76, 'Bad procedure for program'],
  ['ENOLCK', 77, 'No locks available'],
  ['ENOSYS', 78, 'Function not implemented'],
  ['EFTYPE', 79, 'Inappropriate file type or format'],
  ['EAUTH', 80, 'Authentication error'],
  ['ENEEDAUTH', 81, 'Need authenticator'],
  ['EIDRM', 82, 'Identifier removed'],
  ['ENOMSG', 83, 'No message of desired type'],
  ['EOVERFLOW', 84, 'Value too large to be stored in data type'],
  ['ECANCELED', 85, 'Operation canceled'],
  ['EILSEQ', 86, 'Illegal byte sequence'],
  ['ENOATTR', 87, 'Attribute not found'],
  ['EDOOFUS', 88, 'Programming error'],
  ['EBADMSG', 89, 'Bad message'],
  ['EMULTIHOP', 90, 'Multihop attempted'],
  ['ENOLINK', 91, 'Link has been severed'],
  ['EPROTO', 92, 'Protocol error'],
  ['ENOTCAPABLE', 93, 'Capabilities insufficient'],
  ['ECAPMODE', 94, 'Not permitted in capability mode'],
  ['ENOTRECOVERABLE', 95, 'State not recoverable'],
  ['EOWNERDEAD', 96, 'Previous owner died'],
  ['EINTEGRITY', 97, 'Integrity check failed'],
];

const byNumber = new Map(ERRORS.map((row) => [row[1], row]));
const byName = new Map(ERRORS.map((row) => [row[0], row]));

/** The number of an error; undefined for a name that FreeBSD has not. */
export function errnoNumber(name: string): number | undefined {
  return byName.get(name)?.[1];
}

/** `ENOENT`; the number itself where it is none. */
export function errnoName(number: number): string {
  return byNumber.get(number)?.[0] ?? String(number);
}

/** strerror(3). */
export function strerror(number: number): string {
  if (number === 0) return 'No error: 0';
  return byNumber.get(number)?.[2] ?? `Unknown error: ${number}`;
}

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EINTR = 4;
export const EIO = 5;
export const ENXIO = 6;
export const E2BIG = 7;
export const ENOEXEC = 8;
export const EBADF = 9;
export const ECHILD = 10;
export const EDEADLK = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EFAULT = 14;
export const ENOTBLK = 15;
export const EBUSY = 16;
export const EEXIST = 17;
export const EXDEV = 18;
export const ENODEV = 19;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const ENOTTY = 25;
export const ETXTBSY = 26;
export const EFBIG = 27;
export const ENOSPC = 28;
export const ESPIPE = 29;
export const EROFS = 30;
export const EMLINK = 31;
export const EPIPE = 32;
export const EDOM = 33;
export const ERANGE = 34;
export const EAGAIN = 35;
export const EWOULDBLOCK = EAGAIN;
export const EINPROGRESS = 36;
export const EALREADY = 37;
export const ENOTSOCK = 38;
export const EDESTADDRREQ = 39;
export const EMSGSIZE = 40;
export const EPROTOTYPE = 41;
export const ENOPROTOOPT = 42;
export const EPROTONOSUPPORT = 43;
export const ESOCKTNOSUPPORT = 44;
export const EOPNOTSUPP = 45;
export const EPFNOSUPPORT = 46;
export const EAFNOSUPPORT = 47;
export const EADDRINUSE = 48;
export const EADDRNOTAVAIL = 49;
export const ENETDOWN = 50;
export const ENETUNREACH = 51;
export const ENETRESET = 52;
export const ECONNABORTED = 53;
export const ECONNRESET = 54;
export const ENOBUFS = 55;
export const EISCONN = 56;
export const ENOTCONN = 57;
export const ESHUTDOWN = 58;
export const ETOOMANYREFS = 59;
export const ETIMEDOUT = 60;
export const ECONNREFUSED = 61;
export const ELOOP = 62;
export const ENAMETOOLONG = 63;
export const EHOSTDOWN = 64;
export const EHOSTUNREACH = 65;
export const ENOTEMPTY = 66;
export const EPROCLIM = 67;
export const EUSERS = 68;
export const EDQUOT = 69;
export const ESTALE = 70;
export const EREMOTE = 71;
export const EBADRPC = 72;
export const ERPCMISMATCH = 73;
export const EPROGUNAVAIL = 74;
export const EPROGMISMATCH = 75;
export const EPROCUNAVAIL = 76;
export const ENOLCK = 77;
export const ENOSYS = 78;
export const EFTYPE = 79;
export const EAUTH = 80;
export const ENEEDAUTH = 81;
export const EIDRM = 82;
export const ENOMSG = 83;
export const EOVERFLOW = 84;
export const ECANCELED = 85;
export const EILSEQ = 86;
export const ENOATTR = 87;
export const EDOOFUS = 88;
export const EBADMSG = 89;
export const EMULTIHOP = 90;
export const ENOLINK = 91;
export const EPROTO = 92;
export const ENOTCAPABLE = 93;
export const ECAPMODE = 94;
export const ENOTRECOVERABLE = 95;
export const EOWNERDEAD = 96;
export const EINTEGRITY = 97;
/** Asked of a sleep that is to be begun anew (sys/errno.h, for the kernel alone). */
export const ERESTART = -1;
export const EJUSTRETURN = -2;
export const ENOIOCTL = -3;

export const FILE_ERRORS: FileErrors = {
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
};
