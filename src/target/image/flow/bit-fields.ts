import type { ImmOperand, Insn, MemOperand, Operand } from '../../../cpu/decode/instruction.js';

/** Instructions round one: those before it, the nearest last, and those that follow. */
export interface Surroundings {
  readonly before: readonly Insn[];
  readonly after: readonly Insn[];
}

/** The bits that are used of what is loaded, where the code takes them out at once: `movzx eax, m; shr al, 5; and eax, 1`. */
export function loadedBits(
  { op, a, b }: Insn,
  [first, second]: readonly (Insn | undefined)[],
): number | undefined {
  if ((op !== 'mov' && op !== 'movzx') || a?.kind !== 'reg' || b?.kind !== 'mem' || b.size > 4)
    return undefined;
  const isOn = (insn: Insn | undefined, name: string): insn is Insn & { b: ImmOperand } =>
    insn?.op === name &&
    insn.a?.kind === 'reg' &&
    insn.a.reg === a.reg &&
    !insn.a.high &&
    insn.b?.kind === 'imm' &&
    insn.b.value > 0;
  // The upper bits of what is shifted as a byte stay, where they are but zeros.
  if (isOn(first, 'and')) return first.b.value;
  if (!isOn(first, 'shr')) return undefined;
  if (isOn(second, 'and')) return (second.b.value << first.b.value) >>> 0;
  return b.size === 1 ? (0xff << first.b.value) & 0xff : undefined;
}

/**
 * The bits that a store changes, where it puts back what was loaded from the same place:
 * `movzx eax, m; and eax, ~6; or eax, 2; mov m, al`. Bits of a register that are put in are those that were taken out before.
 */
export function changedBits({ op, a, b }: Insn, before: readonly Insn[]): number | undefined {
  if (op !== 'mov' || a?.kind !== 'mem' || b?.kind !== 'reg' || b.size > 4 || b.high) return undefined;
  let changed = 0;
  let takenOut = false;
  for (let i = before.length - 1; i >= 0; i--) {
    const insn = before[i];
    if (insn.op.startsWith('call') || writes(insn, a.base) || writes(insn, a.index)) return undefined;
    if (!writes(insn, b.reg)) continue;
    if (insn.op === 'and' && insn.b?.kind === 'imm') {
      changed |= ~insn.b.value;
      takenOut = true;
    } else if (insn.op === 'or' && insn.b?.kind === 'imm') changed |= insn.b.value;
    else if (insn.op === 'or' && insn.b?.kind === 'reg') continue;
    else if ((insn.op === 'mov' || insn.op === 'movzx') && insn.b?.kind === 'mem' && samePlace(insn.b, a))
      return takenOut || changed !== 0 ? changed & mask(a.size) : undefined;
    else return undefined;
  }
  return undefined;
}

const mask = (size: number): number => (size === 4 ? -1 : 2 ** (size * 8) - 1);

/** Whether an instruction may change a register: its first operand, which all that are met here write. */
function writes({ op, a }: Insn, register: number): boolean {
  if (op === 'cmp' || op === 'test' || register < 0) return false;
  return a?.kind === 'reg' && a.reg === register;
}

function samePlace(one: MemOperand, other: Operand): boolean {
  if (other.kind !== 'mem') return false;
  const { base, index, scale, disp, size } = other;
  return (
    one.base === base && one.index === index && one.scale === scale && one.disp === disp && one.size === size
  );
}
