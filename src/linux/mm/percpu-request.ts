import { PAGE_SIZE } from '../../cpu/layout.js';

/** PCPU_MIN_ALLOC_SIZE: sizes and alignments are at least that. */
export const MIN_PERCPU_BYTES = 4;
/** PCPU_MIN_UNIT_SIZE: the most that one allocation may ask for. */
const MAX_BYTES = 32 * 1024;
export const MAX_PERCPU_ALIGN = PAGE_SIZE;

/** Whether pcpu_alloc() takes a request at all. */
export function isSensible(wanted: number, alignment: number): boolean {
  const align = Math.max(alignment, MIN_PERCPU_BYTES);
  const size = Math.ceil(wanted / MIN_PERCPU_BYTES) * MIN_PERCPU_BYTES;
  return size > 0 && size <= MAX_BYTES && align <= PAGE_SIZE && Number.isInteger(Math.log2(align));
}
