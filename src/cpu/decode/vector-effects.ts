import type { Insn, Operand } from './instruction.js';

/**
 * Halves of vector registers as bits: bit n is the lower half of register n, XMMn; bit n + 16 the upper one.
 */
export type VectorSet = number;

export interface VectorEffects {
  readonly read: VectorSet;
  readonly written: VectorSet;
}

/** Instructions that compare their first operand instead of writing it. */
export const COMPARES: ReadonlySet<string> = new Set('ptest ucomiss ucomisd comiss comisd'.split(' '));

const UPPER = 0xffff_0000 | 0;

const halves = (operand: Operand): VectorSet => {
  if (operand.kind !== 'vec') return 0;
  return operand.size > 16 ? 0x1_0001 << operand.reg : 1 << operand.reg;
};

const CONSTANT = new Set(
  'pxor xorps xorpd psubb psubw psubd psubq pcmpeqb pcmpeqw pcmpeqd pcmpeqq pandn'.split(' '),
);

/** Whether the result does not depend on the register that both sources are. */
function isConstant({ op, b, c }: Insn): boolean {
  return b?.kind === 'vec' && c?.kind === 'vec' && b.reg === c.reg && CONSTANT.has(op);
}

/** Which halves of vector registers an instruction reads and writes. */
export function vectorEffects(insn: Insn): VectorEffects {
  if (insn.op === 'zeroupper') return { read: 0, written: UPPER };
  if (insn.op === 'zeroall') return { read: 0, written: -1 };
  let read = 0;
  if (!isConstant(insn)) for (const source of [insn.b, insn.c, insn.d]) if (source) read |= halves(source);
  const { a } = insn;
  if (a?.kind !== 'vec') return { read, written: 0 };
  if (COMPARES.has(insn.op)) return { read: read | halves(a), written: 0 };
  return { read, written: insn.vector?.vex ? 0x1_0001 << a.reg : 1 << a.reg };
}

/** All halves that an instruction names, whether it depends on them or not. */
export function vectorsNamed(insn: Insn): VectorSet {
  const { written } = vectorEffects(insn);
  return [insn.a, insn.b, insn.c, insn.d].reduce(
    (set, operand) => (operand ? set | halves(operand) : set),
    written,
  );
}
