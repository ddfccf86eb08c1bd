import type { Sleepable } from '../../../kernel/effects.js';
import { Vfs } from '../../../linux/fs/vfs.js';

/** System calls on files of one process, whose descriptors are closed when it was stopped, as the kernel does. */
export class ProcessFiles extends Vfs {
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

  *closeAll(): Sleepable<void> {
    for (const fd of [...this.opened]) yield* this.close(fd);
  }
}
