import { RSP } from '../cpu-types.js';
import type { MemOperand } from './instruction.js';

/** `size` bytes on the stack: [rsp + disp]. */
export const stackOperand = (disp: number, size = 8): MemOperand => ({
  kind: 'mem',
  base: RSP,
  index: -1,
  scale: 1,
  disp,
  segment: undefined,
  size,
  addr32: false,
});
