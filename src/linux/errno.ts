import type { FileErrors } from '../kernel/files/index.js';

/** Linux error numbers (errno(3), asm-generic/errno.h numbering). */
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
export const EAGAIN = 11;
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
export const EFBIG = 27;
export const ENOSPC = 28;
export const ESPIPE = 29;
export const EROFS = 30;
export const EPIPE = 32;
export const EDOM = 33;
export const ERANGE = 34;
export const EDEADLK = 35;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENODATA = 61;
export const ETIME = 62;
export const ENOPKG = 65;
export const EPROTO = 71;
export const EBADMSG = 74;
export const EOVERFLOW = 75;
export const EILSEQ = 84;
export const EMSGSIZE = 90;
export const ENOPROTOOPT = 92;
export const EPROTONOSUPPORT = 93;
export const ESOCKTNOSUPPORT = 94;
export const EOPNOTSUPP = 95;
export const EAFNOSUPPORT = 97;
export const EADDRINUSE = 98;
export const EADDRNOTAVAIL = 99;
export const ENETDOWN = 100;
export const ENETUNREACH = 101;
export const ENOBUFS = 105;
export const ENOTCONN = 107;
export const ESHUTDOWN = 108;
export const ETIMEDOUT = 110;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
export const EALREADY = 114;
export const EINPROGRESS = 115;
export const ESTALE = 116;
export const ENOKEY = 126;
export const EKEYREVOKED = 128;
export const EKEYREJECTED = 129;
/** Kernel-internal codes that never reach user space. */
export const ERESTARTSYS = 512;
export const ENOIOCTLCMD = 515;
export const EPROBE_DEFER = 517;
/** Between the kernel and its file systems only: a mount option that is not known. */
export const ENOPARAM = 519;
export const ENOTSUPP = 524;

/** Highest value that an ERR_PTR encodes. */
export const MAX_ERRNO = 4095;

const NAMES = new Map<number, readonly [name: string, text: string]>([
  [EPERM, ['EPERM', 'Operation not permitted']],
  [ENOENT, ['ENOENT', 'No such file or directory']],
  [ESRCH, ['ESRCH', 'No such process']],
  [EINTR, ['EINTR', 'Interrupted system call']],
  [EIO, ['EIO', 'Input/output error']],
  [ENXIO, ['ENXIO', 'No such device or address']],
  [E2BIG, ['E2BIG', 'Argument list too long']],
  [ENOEXEC, ['ENOEXEC', 'Exec format error']],
  [EBADF, ['EBADF', 'Bad file descriptor']],
  [ECHILD, ['ECHILD', 'No child processes']],
  [EAGAIN, ['EAGAIN', 'Resource temporarily unavailable']],
  [ENOMEM, ['ENOMEM', 'Cannot allocate memory']],
  [EACCES, ['EACCES', 'Permission denied']],
  [EFAULT, ['EFAULT', 'Bad address']],
  [EBUSY, ['EBUSY', 'Device or resource busy']],
  [EEXIST, ['EEXIST', 'File exists']],
  [EXDEV, ['EXDEV', 'Invalid cross-device link']],
  [ENODEV, ['ENODEV', 'No such device']],
  [ENOTDIR, ['ENOTDIR', 'Not a directory']],
  [EISDIR, ['EISDIR', 'Is a directory']],
  [EINVAL, ['EINVAL', 'Invalid argument']],
  [ENFILE, ['ENFILE', 'Too many open files in system']],
  [EMFILE, ['EMFILE', 'Too many open files']],
  [ENOTTY, ['ENOTTY', 'Inappropriate ioctl for device']],
  [EFBIG, ['EFBIG', 'File too large']],
  [ENOSPC, ['ENOSPC', 'No space left on device']],
  [ESPIPE, ['ESPIPE', 'Illegal seek']],
  [EROFS, ['EROFS', 'Read-only file system']],
  [EPIPE, ['EPIPE', 'Broken pipe']],
  [EDOM, ['EDOM', 'Numerical argument out of domain']],
  [ERANGE, ['ERANGE', 'Numerical result out of range']],
  [EDEADLK, ['EDEADLK', 'Resource deadlock avoided']],
  [ENAMETOOLONG, ['ENAMETOOLONG', 'File name too long']],
  [ENOSYS, ['ENOSYS', 'Function not implemented']],
  [ENOTEMPTY, ['ENOTEMPTY', 'Directory not empty']],
  [ELOOP, ['ELOOP', 'Too many levels of symbolic links']],
  [ENODATA, ['ENODATA', 'No data available']],
  [ETIME, ['ETIME', 'Timer expired']],
  [EPROTO, ['EPROTO', 'Protocol error']],
  [EBADMSG, ['EBADMSG', 'Bad message']],
  [EOVERFLOW, ['EOVERFLOW', 'Value too large for defined data type']],
  [EPROTONOSUPPORT, ['EPROTONOSUPPORT', 'Protocol not supported']],
  [ESOCKTNOSUPPORT, ['ESOCKTNOSUPPORT', 'Socket type not supported']],
  [EOPNOTSUPP, ['EOPNOTSUPP', 'Operation not supported']],
  [EAFNOSUPPORT, ['EAFNOSUPPORT', 'Address family not supported by protocol']],
  [EADDRINUSE, ['EADDRINUSE', 'Address already in use']],
  [ENOBUFS, ['ENOBUFS', 'No buffer space available']],
  [ETIMEDOUT, ['ETIMEDOUT', 'Connection timed out']],
  [EALREADY, ['EALREADY', 'Operation already in progress']],
  [EINPROGRESS, ['EINPROGRESS', 'Operation now in progress']],
  [ENOKEY, ['ENOKEY', 'Required key not available']],
  [EKEYREJECTED, ['EKEYREJECTED', 'Key was rejected by service']],
  [ERESTARTSYS, ['ERESTARTSYS', 'Unknown error 512']],
  [ENOIOCTLCMD, ['ENOIOCTLCMD', 'Unknown error 515']],
  [ENOPARAM, ['ENOPARAM', 'Unknown error 519']],
  [EPROBE_DEFER, ['EPROBE_DEFER', 'Unknown error 517']],
  [ENOTSUPP, ['ENOTSUPP', 'Unknown error 524']],
  [ENOTBLK, ['ENOTBLK', 'Block device required']],
  [26, ['ETXTBSY', 'Text file busy']],
  [31, ['EMLINK', 'Too many links']],
  [37, ['ENOLCK', 'No locks available']],
  [42, ['ENOMSG', 'No message of desired type']],
  [43, ['EIDRM', 'Identifier removed']],
  [44, ['ECHRNG', 'Channel number out of range']],
  [45, ['EL2NSYNC', 'Level 2 not synchronized']],
  [46, ['EL3HLT', 'Level 3 halted']],
  [47, ['EL3RST', 'Level 3 reset']],
  [48, ['ELNRNG', 'Link number out of range']],
  [49, ['EUNATCH', 'Protocol driver not attached']],
  [50, ['ENOCSI', 'No CSI structure available']],
  [51, ['EL2HLT', 'Level 2 halted']],
  [52, ['EBADE', 'Invalid exchange']],
  [53, ['EBADR', 'Invalid request descriptor']],
  [54, ['EXFULL', 'Exchange full']],
  [55, ['ENOANO', 'No anode']],
  [56, ['EBADRQC', 'Invalid request code']],
  [57, ['EBADSLT', 'Invalid slot']],
  [59, ['EBFONT', 'Bad font file format']],
  [60, ['ENOSTR', 'Device not a stream']],
  [63, ['ENOSR', 'Out of streams resources']],
  [64, ['ENONET', 'Machine is not on the network']],
  [ENOPKG, ['ENOPKG', 'Package not installed']],
  [66, ['EREMOTE', 'Object is remote']],
  [67, ['ENOLINK', 'Link has been severed']],
  [68, ['EADV', 'Advertise error']],
  [69, ['ESRMNT', 'Srmount error']],
  [70, ['ECOMM', 'Communication error on send']],
  [72, ['EMULTIHOP', 'Multihop attempted']],
  [73, ['EDOTDOT', 'RFS specific error']],
  [76, ['ENOTUNIQ', 'Name not unique on network']],
  [77, ['EBADFD', 'File descriptor in bad state']],
  [78, ['EREMCHG', 'Remote address changed']],
  [79, ['ELIBACC', 'Can not access a needed shared library']],
  [80, ['ELIBBAD', 'Accessing a corrupted shared library']],
  [81, ['ELIBSCN', '.lib section in a.out corrupted']],
  [82, ['ELIBMAX', 'Attempting to link in too many shared libraries']],
  [83, ['ELIBEXEC', 'Cannot exec a shared library directly']],
  [84, ['EILSEQ', 'Invalid or incomplete multibyte or wide character']],
  [85, ['ERESTART', 'Interrupted system call should be restarted']],
  [86, ['ESTRPIPE', 'Streams pipe error']],
  [87, ['EUSERS', 'Too many users']],
  [88, ['ENOTSOCK', 'Socket operation on non-socket']],
  [89, ['EDESTADDRREQ', 'Destination address required']],
  [EMSGSIZE, ['EMSGSIZE', 'Message too long']],
  [91, ['EPROTOTYPE', 'Protocol wrong type for socket']],
  [ENOPROTOOPT, ['ENOPROTOOPT', 'Protocol not available']],
  [96, ['EPFNOSUPPORT', 'Protocol family not supported']],
  [EADDRNOTAVAIL, ['EADDRNOTAVAIL', 'Cannot assign requested address']],
  [ENETDOWN, ['ENETDOWN', 'Network is down']],
  [ENETUNREACH, ['ENETUNREACH', 'Network is unreachable']],
  [102, ['ENETRESET', 'Network dropped connection on reset']],
  [103, ['ECONNABORTED', 'Software caused connection abort']],
  [104, ['ECONNRESET', 'Connection reset by peer']],
  [106, ['EISCONN', 'Transport endpoint is already connected']],
  [ENOTCONN, ['ENOTCONN', 'Transport endpoint is not connected']],
  [ESHUTDOWN, ['ESHUTDOWN', 'Cannot send after transport endpoint shutdown']],
  [109, ['ETOOMANYREFS', 'Too many references: cannot splice']],
  [ECONNREFUSED, ['ECONNREFUSED', 'Connection refused']],
  [112, ['EHOSTDOWN', 'Host is down']],
  [EHOSTUNREACH, ['EHOSTUNREACH', 'No route to host']],
  [ESTALE, ['ESTALE', 'Stale file handle']],
  [117, ['EUCLEAN', 'Structure needs cleaning']],
  [118, ['ENOTNAM', 'Not a XENIX named type file']],
  [119, ['ENAVAIL', 'No XENIX semaphores available']],
  [120, ['EISNAM', 'Is a named type file']],
  [121, ['EREMOTEIO', 'Remote I/O error']],
  [122, ['EDQUOT', 'Disk quota exceeded']],
  [123, ['ENOMEDIUM', 'No medium found']],
  [124, ['EMEDIUMTYPE', 'Wrong medium type']],
  [125, ['ECANCELED', 'Operation canceled']],
  [127, ['EKEYEXPIRED', 'Key has expired']],
  [EKEYREVOKED, ['EKEYREVOKED', 'Key has been revoked']],
  [130, ['EOWNERDEAD', 'Owner died']],
  [131, ['ENOTRECOVERABLE', 'State not recoverable']],
  [132, ['ERFKILL', 'Operation not possible due to RF-kill']],
]);

/** Symbolic name of a positive error number: "ENODEV". */
export function errnoName(errno: number): string {
  return NAMES.get(errno)?.[0] ?? `E${errno}`;
}

/** The positive error number of a symbolic name, undefined for a name that is none. */
export function errnoNumber(name: string): number | undefined {
  for (const [errno, [known]] of NAMES) if (known === name) return errno;
  return undefined;
}

/** strerror(3) text of a positive error number, as glibc words it. */
export function strerror(errno: number): string {
  return NAMES.get(errno)?.[1] ?? `Unknown error ${errno}`;
}

/** What the file tree answers where it cannot do something: negative, as system calls do. */
export const FILE_ERRORS: FileErrors = {
  EBUSY: -EBUSY,
  EEXIST: -EEXIST,
  EINVAL: -EINVAL,
  EISDIR: -EISDIR,
  ELOOP: -ELOOP,
  ENAMETOOLONG: -ENAMETOOLONG,
  ENOENT: -ENOENT,
  ENOSPC: -ENOSPC,
  ENOTDIR: -ENOTDIR,
  ENOTEMPTY: -ENOTEMPTY,
};
