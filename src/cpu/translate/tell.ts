import type { Insn } from '../decode/instruction.js';
import type { Block } from '../flow/cfg.js';
import { TOLD_BLOCK, TOLD_CALL } from '../instrumentation.js';
import { RIP } from '../runtime/layout.js';
import { Op } from '../wasm/op.js';
import { callService } from './services.js';
import type { UnitTranslation } from './unit.js';

/** What instrumented units do besides their work: they tell of calls, returns and blocks. Plain ones get no code from here. */
function tell(u: UnitTranslation, what: number, at: number): void {
  const { w } = u;
  u.storeFuel();
  w.i32(what);
  w.i32(at);
  callService(w, 'tell');
  w.op(Op.drop);
}

/** Of a call; the return address is pushed, and the register file true. `pushTarget` pushes the address called. */
export function tellCall(u: UnitTranslation, insn: Insn, pushTarget: () => void): void {
  if (!u.shared.instrumentation.calls) return;
  storeRip(u, pushTarget);
  tell(u, TOLD_CALL, insn.ptr + insn.length);
}

/** Of a `ret` that took `bytes` off the stack, to the address that `pushTarget` pushes. The register file is true. */
export function tellReturn(u: UnitTranslation, bytes: number, pushTarget: () => void): void {
  if (!u.shared.instrumentation.calls) return;
  storeRip(u, pushTarget);
  // Where the `ret` itself is does not tell: it may be a thunk's.
  tell(u, bytes, u.graph.blocks[0].ptr);
}

export function tellBlock(u: UnitTranslation, { ptr, terminator }: Block): void {
  if (!u.shared.instrumentation.blocks || ptr < 0 || terminator.kind === 'leave') return;
  tell(u, TOLD_BLOCK, ptr);
}

/** Nothing else looks at RIP in memory before control passes on. */
function storeRip(u: UnitTranslation, pushTarget: () => void): void {
  u.w.i32(0);
  pushTarget();
  u.w.memory(Op.i64Store, RIP);
}
