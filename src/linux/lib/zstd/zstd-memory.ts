import type { Ptr } from '../../../cpu/layout.js';
import type { Sleepable } from '../../../kernel/effects.js';
import type { LinuxKernel } from '../../kernel.js';
import type { Subsystem } from '../../subsystem.js';

/** ZSTD_customMem: passed by value, on the stack. */
interface CustomMemory {
  readonly allocate: Ptr;
  readonly free: Ptr;
  readonly opaque: Ptr;
}

/**
 * What lib/zstd allocates with (common/zstd_common.c): the caller's functions, and in the kernel nothing where
 * there are none.
 */
export class ZstdMemory implements Subsystem {
  constructor(private readonly k: LinuxKernel) {}

  readonly exports = {
    ZSTD_customMalloc: (size: number) => this.allocate(size, false, this.memory()),
    ZSTD_customCalloc: (size: number) => this.allocate(size, true, this.memory()),
    ZSTD_customFree: (ptr: Ptr) => this.free(ptr, this.memory()),
  };

  readonly signatures = { ZSTD_customMalloc: 'p:L', ZSTD_customCalloc: 'p:L', ZSTD_customFree: 'v:p' };

  /** Behind the return address of the call being served. */
  private memory(): CustomMemory {
    const { space, convention } = this.k;
    const at = convention.stackArguments;
    return {
      allocate: space.loadPtr(at),
      free: space.loadPtr(at + 8),
      opaque: space.loadPtr(at + 16),
    };
  }

  private *allocate(size: number, zero: boolean, memory: CustomMemory): Sleepable<Ptr> {
    if (memory.allocate === 0) return 0;
    const ptr = yield* this.k.callAs('p:pL', memory.allocate, memory.opaque, size);
    if (ptr !== 0 && zero) this.k.space.writable(ptr, size).fill(0);
    return ptr;
  }

  private *free(ptr: Ptr, memory: CustomMemory): Sleepable<void> {
    if (ptr !== 0 && memory.free !== 0) yield* this.k.callAs('v:pp', memory.free, memory.opaque, ptr);
  }
}
