import type { Subsystem } from '../subsystem.js';

/** Capabilities that the base kernel asks for (capabilities(7)). */
export type Capability = 'CAP_SYS_MODULE';

/** Who the machine's processes belong to: root, unless told otherwise. */
export class Credentials implements Subsystem {
  readonly exports = {};
  /** User that processes run as. */
  uid = 0;
  /** Capabilities that even root does not have. */
  readonly dropped = new Set<Capability>();

  /** capable(): root may do all but what was dropped, others nothing. */
  capable(capability: Capability): boolean {
    return this.uid === 0 && !this.dropped.has(capability);
  }

  /** Whether a file that belongs to root, with that mode, may be opened for writing. */
  mayWrite(mode: number): boolean {
    const OTHERS_WRITE = 0o002;
    return this.uid === 0 || (mode & OTHERS_WRITE) !== 0;
  }
}
