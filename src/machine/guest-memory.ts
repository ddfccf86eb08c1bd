import { GuestFault } from '../cpu/fault.js';
import type { Ptr } from '../cpu/layout.js';
import type { BaseKernel } from '../kernel/base-kernel.js';
import { MachineError, type SystemError } from './errors.js';

/** Memory of the machine, to give to functions of modules and to look into. */
export class GuestMemory {
  constructor(
    private readonly k: BaseKernel,
    private readonly errorNamed: (name: string) => SystemError | undefined,
  ) {}

  /** Zeroed kernel memory, as the system's allocator gives it. Throws MachineError (ENOMEM) where there is none left. */
  alloc(bytes: number): Ptr {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new MachineError(`${bytes} is no number of bytes`, { error: this.errorNamed('EINVAL') });
    const ptr = this.k.slab.allocateBytes(bytes, true);
    if (ptr === 0)
      throw new MachineError(`no ${bytes} bytes of guest memory left`, { error: this.errorNamed('ENOMEM') });
    return ptr;
  }

  /** Gives back what `alloc` gave; 0 is nothing. Throws MachineError (EINVAL) for what is no allocation. */
  free(ptr: Ptr): void {
    if (ptr === 0) return;
    const { kind } = this.k.slab.free(ptr);
    if (kind === 'not-an-object' || kind === 'double-free')
      throw new MachineError(`0x${ptr.toString(16)} is no allocation`, { error: this.errorNamed('EINVAL') });
  }

  /** Kernel memory with a copy of bytes, or of a text and a NUL behind it. */
  copyIn(content: Uint8Array | string): Ptr {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(`${content}\0`) : content;
    const ptr = this.alloc(Math.max(bytes.length, 1));
    this.write(ptr, bytes);
    return ptr;
  }

  /** A copy of memory of the kernel or of the process that called it. Throws MachineError (EFAULT) where it may not be read. */
  read(ptr: Ptr, bytes: number): Uint8Array {
    const { space } = this.k;
    return this.accessed(() => space.readable(ptr, bytes).slice());
  }

  write(ptr: Ptr, bytes: Uint8Array): void {
    const { space } = this.k;
    this.accessed(() => space.writable(ptr, bytes.length).set(bytes));
  }

  /** The NUL-terminated text at an address. */
  text(ptr: Ptr): string {
    const { space } = this.k;
    return this.accessed(() => space.cstring(ptr));
  }

  /** The 64-bit address of a pointer. */
  address(ptr: Ptr): bigint {
    return this.k.space.toAddress(ptr);
  }

  /** The pointer of a 64-bit address, such as a function's result. */
  pointer(address: bigint): Ptr {
    return this.k.space.fromAddress(address);
  }

  private accessed<T>(body: () => T): T {
    try {
      return this.k.space.user.within(body);
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      throw new MachineError(error.message, { error: this.errorNamed('EFAULT'), cause: error });
    }
  }
}
