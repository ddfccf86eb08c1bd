/**
 * The memory that a machine has: pages that guest code gets, and what the base kernel's own records of things take that guest
 * code has made. Address space may be larger than that.
 */
export class MemoryBudget {
  private taken = 0;

  /** `limit` in bytes. */
  constructor(readonly limit: number) {}

  /** False, and nothing is taken, where so many bytes are not left. */
  take(bytes: number): boolean {
    if (this.taken + bytes > this.limit) return false;
    this.taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.taken -= bytes;
  }

  /** Bytes left. */
  get available(): number {
    return this.limit - this.taken;
  }
}
