import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from '../../../files/mode.js';
import { EBADF, EINVAL, ENOENT, ENOTDIR } from '../../../freebsd/errno.js';
import { Files } from '../../../freebsd/fs/files.js';
import type { FileStatus } from '../../../freebsd/fs/open-file.js';
import type { FreebsdKernel } from '../../../freebsd/kernel.js';
import type { Sleepable } from '../../../kernel/effects.js';
import { DirectoryNode } from '../../../kernel/files/index.js';
import type { OpenHow, ShellFileStatus, ShellFiles } from '../../shell/system.js';

const TYPES: Readonly<Record<FileStatus['kind'], number>> = {
  directory: S_IFDIR,
  file: S_IFREG,
  symlink: S_IFLNK,
  character: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
};

type Result<Value> = { readonly value: Value } | { readonly errno: number };

/** System calls on files of one process of a FreeBSD machine, as a shell makes them: what fails is a negative error number. */
export class ProcessFiles implements ShellFiles {
  private readonly files: Files;
  private readonly opened = new Set<number>();

  constructor(private readonly k: FreebsdKernel) {
    this.files = k.get(Files);
  }

  *openAs(path: string, how: OpenHow): Sleepable<number> {
    const fd = negative(yield* this.files.openAt(path, this.flagsOf(how)));
    if (fd >= 0) this.opened.add(fd);
    return fd;
  }

  private flagsOf(how: OpenHow): number {
    const flag = (name: string): number => this.k.macro(name);
    switch (how) {
      case 'read':
        return flag('O_RDONLY');
      case 'write':
        return flag('O_WRONLY') | flag('O_CREAT') | flag('O_TRUNC');
      case 'append':
        return flag('O_WRONLY') | flag('O_CREAT') | flag('O_APPEND');
      case 'update':
        return flag('O_RDWR') | flag('O_CREAT');
      case 'over':
        return flag('O_WRONLY') | flag('O_CREAT');
    }
  }

  *close(fd: number): Sleepable<number> {
    this.opened.delete(fd);
    return negative(yield* this.files.close(fd));
  }

  *closeAll(): Sleepable<void> {
    for (const fd of [...this.opened]) yield* this.close(fd);
  }

  *read(fd: number, count: number): Sleepable<Uint8Array | number> {
    const file = this.files.file(fd);
    if (!file) return -EBADF;
    const bytes = yield* file.read(count);
    return 'errno' in bytes ? -bytes.errno : bytes;
  }

  *write(fd: number, bytes: Uint8Array): Sleepable<number> {
    const file = this.files.file(fd);
    return file ? negative(yield* file.write(bytes)) : -EBADF;
  }

  /** ioctl(2) with a structure, whose bytes are changed where the request says so. */
  *ioctl(fd: number, request: number, argument: Uint8Array): Sleepable<number> {
    const file = this.files.file(fd);
    return file ? negative(yield* file.ioctl(request, argument)) : -EBADF;
  }

  *lseek(fd: number, offset: number, whence: number): Sleepable<number> {
    yield* [];
    const file = this.files.file(fd);
    if (!file) return -EBADF;
    const from = whence === 0 ? 0 : whence === 1 ? file.offset : file.status().size;
    if (from + offset < 0) return -EINVAL;
    file.offset = from + offset;
    return file.offset;
  }

  *stat(path: string, follow = true): Sleepable<ShellFileStatus | number> {
    const status = yield* this.files.stat(path, follow);
    return 'errno' in status ? -status.errno : { mode: TYPES[status.kind] | status.mode, size: status.size };
  }

  *readdir(path: string): Sleepable<readonly string[] | number> {
    const names = yield* this.files.list(path);
    return 'errno' in names ? -names.errno : names;
  }

  /** mkdir(2). */
  *mkdir(path: string, mode = 0o777): Sleepable<number> {
    return -(yield* this.files.makeDirectory(path, mode));
  }

  /** unlink(2) of what is no directory, or rmdir(2). */
  *remove(path: string): Sleepable<number> {
    return -(yield* this.files.remove(path));
  }

  *directory(path: string): Sleepable<string | number> {
    const found = yield* this.k.files.resolve(path);
    if (typeof found === 'number') return -found;
    if (!found.node) return -ENOENT;
    return found.node instanceof DirectoryNode ? found.path : -ENOTDIR;
  }
}

function negative(result: Result<number>): number {
  return 'errno' in result ? -result.errno : result.value;
}
