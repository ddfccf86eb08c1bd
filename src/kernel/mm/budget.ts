/** What the host's memory holds, in bytes, of a thing that guest code makes and that is mostly the host's: a file's node, a queue. */
export const RECORD_OF_HOST_BYTES = 1024;

/**
 * The memory that a machine has: pages that guest code gets, and what the base kernel's own records of things take that guest
 * code has made. Address space may be larger than that.
 */
export class MemoryBudget {
  private taken = 0;
  private refusedAt = -1;

  /** `limit` in bytes; `elapsed` grows with every function of the base kernel that is called. */
  constructor(
    readonly limit: number,
    private readonly elapsed: () => number = () => 0,
  ) {}

  /** False, and nothing is taken, where so many bytes are not left. */
  take(bytes: number): boolean {
    if (this.taken + bytes > this.limit) {
      this.refusedAt = this.elapsed();
      return false;
    }
    this.taken += bytes;
    return true;
  }

  /** Whether the function of the base kernel that is running now was refused memory. */
  get justRefused(): boolean {
    return this.refusedAt === this.elapsed();
  }

  give(bytes: number): void {
    this.taken -= bytes;
  }

  /** Bytes left. */
  get available(): number {
    return this.limit - this.taken;
  }
}
