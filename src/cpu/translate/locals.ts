/** Numbers of the WebAssembly locals of a translated function. */
export const L = {
  /** Parameter: host stack left. */
  depth: 0,
  /** Parameter: the slot called. Afterwards the number of the site that may exit next. */
  site: 1,
  /** Parameters: RSP and fuel, so that calls need not pass them through memory. */
  rsp: 2,
  fuel: 3,
  /** The other general registers, i64; see `reg`. */
  regs: 4,
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
  /** Linear offset of the lowest checked byte of the stack frame. */
  frame: 34,
  /** Linear offsets of other ranges checked at once. */
  ranges: 35,
  /** Temporaries of one instruction. */
  temps64: 43,
  temps32: 53,
} as const;

/** How many ranges can be in use at a time. */
export const RANGE_LOCALS = 8;

/** Declared locals: i64s, i32s, i64s, i32s. */
export const LOCAL_GROUPS = [
  [20, 0x7e],
  [19, 0x7f],
  [10, 0x7e],
  [10, 0x7f],
] as const;

/** Where locals of type v128 begin, in functions that have some: see vector-locals.ts. */
export const FIRST_VECTOR = 63;

/** Local of a general register. */
export const reg = (number: number): number =>
  number === 4 ? L.rsp : number < 4 ? L.regs + number : L.regs + number - 1;

/** Rough host stack that one call of a translated function needs, in bytes. */
export const FRAME_COST = 700;
