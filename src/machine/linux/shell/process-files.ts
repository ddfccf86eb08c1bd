import type { Sleepable } from '../../../kernel/effects.js';
import { O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from '../../../linux/fs/flags.js';
import { Vfs } from '../../../linux/fs/vfs.js';
import type { OpenHow, ShellFiles } from '../../shell/system.js';

const HOW: Readonly<Record<OpenHow, number>> = {
  read: O_RDONLY,
  write: O_WRONLY | O_CREAT | O_TRUNC,
  append: O_WRONLY | O_CREAT | O_APPEND,
  update: O_RDWR | O_CREAT,
  over: O_WRONLY | O_CREAT,
};

/** System calls on files of one process, whose descriptors are closed when it was stopped, as the kernel does. */
export class ProcessFiles extends Vfs implements ShellFiles {
  private readonly opened = new Set<number>();

  override *open(path: string, flags: number, mode?: number): Sleepable<number> {
    const fd = yield* super.open(path, flags, mode);
    if (fd >= 0) this.opened.add(fd);
    return fd;
  }

  override *close(fd: number): Sleepable<number> {
    this.opened.delete(fd);
    return yield* super.close(fd);
  }

  openAs(path: string, how: OpenHow): Sleepable<number> {
    return this.open(path, HOW[how]);
  }

  *directory(path: string): Sleepable<string | number> {
    const location = yield* this.tree.resolve(path);
    if (typeof location === 'number') return location;
    const names = yield* this.readdir(location.path);
    return typeof names === 'number' ? names : location.path;
  }

  *closeAll(): Sleepable<void> {
    for (const fd of [...this.opened]) yield* this.close(fd);
  }
}
