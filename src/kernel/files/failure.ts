/** Why the file tree cannot do something, by the name that errno(2) has for it: every system has a number of its own for each. */
export type FileError =
  | 'EBUSY'
  | 'EEXIST'
  | 'EINVAL'
  | 'EISDIR'
  | 'ELOOP'
  | 'ENAMETOOLONG'
  | 'ENOENT'
  | 'ENOSPC'
  | 'ENOTDIR'
  | 'ENOTEMPTY';

/** What a system answers for each: its number. None is 0. */
export type FileErrors = Readonly<Record<FileError, number>>;

/** As the file tree names it, or as a file system of the system has answered. */
export type Failure = FileError | number;
