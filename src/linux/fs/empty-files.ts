import type { Ptr } from '../../cpu/layout.js';
import { TaskCredentials } from '../credentials.js';
import type { LinuxKernel } from '../kernel.js';
import { Mutexes } from '../locking/mutex.js';
import type { Subsystem } from '../subsystem.js';
import { O_ACCMODE } from './flags.js';
import { countField } from './open-files.js';

/** struct file.f_mode: not one of the files that are counted (fs.file-nr). */
const FMODE_NOACCOUNT = 0x2000_0000;
/** __FMODE_NONOTIFY of the flags of open(2), which becomes a mode. */
const NONOTIFY = 0x400_0000;

/**
 * struct files that the target's own code fills in: nothing here knows what they are of before their last reference is dropped
 * (alloc_empty_file() in fs/file_table.c).
 */
export class EmptyFiles implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    alloc_empty_file: (flags: number, cred: Ptr) => this.make(flags, cred, 0),
    alloc_empty_file_noaccount: (flags: number, cred: Ptr) => this.make(flags, cred, FMODE_NOACCOUNT),
  };

  private make(flags: number, cred: Ptr, mode: number): Ptr {
    const { k } = this;
    const type = k.struct('file');
    const file = k.slab.allocateBytes(type.size, true);
    k.get(TaskCredentials).count(cred, 1);
    type.set(file, 'f_cred', cred);
    type.set(file, 'f_flags', flags);
    type.set(file, 'f_mode', ((flags + 1) & O_ACCMODE) | (flags & NONOTIFY) | mode);
    type.set(file, countField(k), 1);
    k.get(Mutexes).init(type.addr(file, 'f_pos_lock'));
    return file;
  }
}
