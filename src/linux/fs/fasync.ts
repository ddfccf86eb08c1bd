import type { Ptr } from '../../cpu/layout.js';
import { ENOMEM } from '../errno.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

const FASYNC_MAGIC = 0x4601;
/** struct file.f_flags: signals are wanted (O_ASYNC). */
const FASYNC = 0o20000;

/** Lists of files that want SIGIO (fs/fcntl.c). The user process has no signal handlers: nothing is delivered. */
export class AsyncNotification implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    fasync_helper: (fd: number, file: Ptr, on: number, list: Ptr) =>
      on === 0 ? this.remove(file, list) : this.add(fd, file, list),
    kill_fasync: (list: Ptr, _signal: number, _band: number) => {
      this.k.space.loadPtr(list);
    },
  };

  private find(file: Ptr, list: Ptr): { link: Ptr; entry: Ptr } | undefined {
    const { space } = this.k;
    const type = this.k.struct('fasync_struct');
    let link = list;
    for (let at = space.loadPtr(link); at !== 0; at = space.loadPtr(link)) {
      if (type.get(at, 'fa_file') === file) return { link, entry: at };
      link = type.addr(at, 'fa_next');
    }
    return undefined;
  }

  /** 1 if the file was added, 0 if it was on the list already. */
  private add(fd: number, file: Ptr, list: Ptr): number {
    const { k } = this;
    const type = k.struct('fasync_struct');
    const known = this.find(file, list);
    if (known) {
      type.set(known.entry, 'fa_fd', fd);
      return 0;
    }
    const entry = k.slab.allocateBytes(type.size, true);
    if (entry === 0) return -ENOMEM;
    type.set(entry, 'magic', FASYNC_MAGIC);
    type.set(entry, 'fa_fd', fd);
    type.set(entry, 'fa_file', file);
    type.set(entry, 'fa_next', k.space.loadPtr(list));
    k.space.storePtr(list, entry);
    this.flag(file, true);
    return 1;
  }

  private remove(file: Ptr, list: Ptr): number {
    const known = this.find(file, list);
    this.flag(file, false);
    if (!known) return 0;
    const { k } = this;
    k.space.storePtr(known.link, k.struct('fasync_struct').get(known.entry, 'fa_next'));
    k.slab.free(known.entry);
    return 1;
  }

  private flag(file: Ptr, on: boolean): void {
    const type = this.k.struct('file');
    const flags = type.get(file, 'f_flags');
    type.set(file, 'f_flags', on ? flags | FASYNC : flags & ~FASYNC);
  }
}
