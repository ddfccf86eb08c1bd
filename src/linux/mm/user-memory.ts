import { UserBuffers } from '../../kernel/mm/user-buffers.js';
import { TASK_SIZE_MAX } from '../abi/limits.js';
import type { LinuxKernel } from '../kernel.js';
import { USER } from '../memory-map.js';
import type { Subsystem } from '../subsystem.js';

/** Memory of the user process: copy_to_user() and copy_from_user() are its `copyTo` and `copyFrom`, access_ok() its `accessible`. */
export class UserMemory extends UserBuffers implements Subsystem {
  readonly exports = {};

  constructor(k: LinuxKernel) {
    super(k.space, USER, TASK_SIZE_MAX);
  }
}
