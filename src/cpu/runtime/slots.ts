import { RESERVED_SLOTS } from '../translate/services.js';

/**
 * Table slots of code addresses, the same for every Cpu of the process, so that translations which contain
 * slot numbers can be shared. Slot 0 is that of address 0, which is never code.
 */
const slotByPtr = new Map<number, number>([[0, 0]]);
const ptrBySlot: number[] = new Array<number>(RESERVED_SLOTS).fill(0);

export function slotOf(ptr: number): number {
  let slot = slotByPtr.get(ptr);
  if (slot === undefined) {
    slot = ptrBySlot.length;
    ptrBySlot.push(ptr);
    slotByPtr.set(ptr, slot);
  }
  return slot;
}

export const ptrOfSlot = (slot: number): number => ptrBySlot[slot];

export const slotCount = (): number => ptrBySlot.length;
