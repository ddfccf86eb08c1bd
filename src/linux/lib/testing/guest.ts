import { AddressSpace, PAGE_KERNEL } from '../../../cpu/address-space.js';
import type { Ptr } from '../../../cpu/layout.js';
import { MEMORY_MAP, RAM } from '../../memory-map.js';

/** Guest memory for tests: one address space and an allocator that never frees. */
export class TestGuest {
  readonly space = new AddressSpace(MEMORY_MAP);
  private at: Ptr = RAM.start;

  constructor(bytes = 0x10_0000) {
    this.space.map(RAM.start, bytes, PAGE_KERNEL);
  }

  /** Zeroed memory, 16-byte aligned. */
  alloc(bytes: number): Ptr {
    const ptr = this.at;
    this.at += Math.ceil(bytes / 16) * 16;
    return ptr;
  }

  text(text: string): Ptr {
    const ptr = this.alloc(text.length + 1);
    this.space.storeCstring(ptr, text);
    return ptr;
  }

  bytes(values: readonly number[]): Ptr {
    const ptr = this.alloc(values.length);
    this.space.writable(ptr, values.length).set(values);
    return ptr;
  }

  address(ptr: Ptr): bigint {
    return this.space.toAddress(ptr);
  }
}
