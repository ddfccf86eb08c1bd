import type { Ptr } from '../../cpu/layout.js';
import type { Sleepable } from '../../kernel/effects.js';
import { EINVAL, ENOENT } from '../errno.js';
import { Unimplemented } from '../errors.js';
import type { LinuxKernel } from '../kernel.js';
import type { Subsystem } from '../subsystem.js';

/** How long the caller waits: not at all, until the program runs, or until it has ended (include/linux/umh.h). */
const UMH_NO_WAIT = 0;

/**
 * Programs of user space that the kernel starts (kernel/umh.c). A machine has no user space: a program that its file
 * tree does not have is not found, as in Linux; one that is there is reported as what cannot be run.
 */
export class UserModeHelpers implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    call_usermodehelper: (path: Ptr, _argv: Ptr, _envp: Ptr, wait: number) => this.run(path, wait),
    call_usermodehelper_setup: (
      path: Ptr,
      argv: Ptr,
      envp: Ptr,
      _gfp: number,
      init: Ptr,
      cleanup: Ptr,
      data: Ptr,
    ) => this.setUp({ path, argv, envp, init, cleanup, data }),
    call_usermodehelper_exec: (info: Ptr, wait: number) => this.execute(info, wait),
  };

  private setUp(fields: Readonly<Record<string, Ptr>>): Ptr {
    const type = this.k.struct('subprocess_info');
    const info = this.k.slab.allocateBytes(type.size, true);
    if (info === 0) return 0;
    for (const [field, value] of Object.entries(fields)) type.set(info, field, value);
    return info;
  }

  /** call_usermodehelper_exec(): the description is used up, whatever happens. */
  private *execute(info: Ptr, wait: number): Sleepable<number> {
    const { k } = this;
    const type = k.struct('subprocess_info');
    const result = this.run(type.get(info, 'path'), wait);
    if (type.get(info, 'cleanup') !== 0) yield* type.call(info, 'cleanup', info);
    k.slab.free(info);
    return result;
  }

  private run(path: Ptr, wait: number): number {
    const { k } = this;
    if (path === 0) return -EINVAL;
    const program = k.space.cstring(path);
    if (program === '') return 0;
    if (k.files.node(program) !== undefined) throw new Unimplemented(`running ${program}`, '');
    return wait === UMH_NO_WAIT ? 0 : -ENOENT;
  }
}
