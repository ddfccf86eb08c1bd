import { RESERVED_SLOTS } from '../translate/services.js';

/**
 * Table slots of code addresses, by one numbering for many Cpus, so that translations which contain slot numbers can be
 * shared. Slot 0 is that of address 0, which is never code.
 */
export class Slots {
  private readonly byPtr = new Map<number, number>([[0, 0]]);
  private readonly ptrs: number[] = new Array<number>(RESERVED_SLOTS).fill(0);

  of(ptr: number): number {
    let slot = this.byPtr.get(ptr);
    if (slot === undefined) {
      slot = this.ptrs.length;
      this.ptrs.push(ptr);
      this.byPtr.set(ptr, slot);
    }
    return slot;
  }

  ptrOf(slot: number): number {
    return this.ptrs[slot];
  }

  get count(): number {
    return this.ptrs.length;
  }
}
