/** strerror(3) of the loader's own library, by FreeBSD's error numbers: its texts are not those of programs. */
const TEXTS: Readonly<Record<number, string>> = {
  0: 'no error',
  1: 'operation not permitted',
  2: 'no such file or directory',
  5: 'input/output error',
  6: 'device not configured',
  8: 'exec format error',
  9: 'bad file descriptor',
  12: 'cannot allocate memory',
  19: 'operation not supported by device',
  20: 'not a directory',
  21: 'is a directory',
  22: 'invalid argument',
  24: 'too many open files',
  27: 'file too large',
  30: 'read-only filesystem',
  45: 'operation not supported',
  60: 'operation timed out',
  70: 'stale NFS file handle',
  72: 'RPC struct is bad',
  79: 'inappropriate file type or format',
};

/** What the loader says of an error number. */
export function loaderStrerror(errno: number): string {
  return TEXTS[errno] ?? `unknown error (${errno})`;
}
