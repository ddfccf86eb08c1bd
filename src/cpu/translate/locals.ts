/** Numbers of the WebAssembly locals of a translated function. */
export const L = {
  /** Parameter: host stack left. */
  depth: 0,
  /** Parameter: the slot called. Afterwards the number of the site that may exit next. */
  site: 1,
  /** 16 general registers, i64. */
  regs: 2,
  fuel: 18,
  /** Address of the current memory access, less 2^31. */
  ea: 19,
  /** Operands and result that flags follow from; 64-bit operations. */
  a64: 20,
  b64: 21,
  r64: 22,
  /** What a callee returned. */
  returned: 23,
  /** As a64.., for narrower operations. */
  a32: 24,
  b32: 25,
  r32: 26,
  cf: 27,
  pf: 28,
  af: 29,
  zf: 30,
  sf: 31,
  of: 32,
  /** Next block, where control flow goes through a dispatch loop. */
  state: 33,
  /** Temporaries of one instruction. */
  temps64: 34,
  temps32: 44,
} as const;

/** Declared locals: i64s, i32s, i64s, i32s. */
export const LOCAL_GROUPS = [
  [22, 0x7e],
  [10, 0x7f],
  [10, 0x7e],
  [10, 0x7f],
] as const;

/** Rough host stack that one call of a translated function needs, in bytes. */
export const FRAME_COST = 640;
