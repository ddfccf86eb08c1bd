import type { LinuxKernel } from '../../linux/kernel.js';
import type { TaintCause } from '../../linux/traps/kernel-taint.js';
import { type ExplainedTaint, explainTaint, taintLetters } from '../../linux/traps/taint-words.js';

/** A taint flag that is set, and who set it first. */
export interface TaintEntry {
  /** Its letter. */
  readonly flag: string;
  readonly name: string;
  readonly bit: number;
  readonly causedBy: TaintCause;
}

/** The kernel's taints, bit 0 first. */
export function taintsOf(k: LinuxKernel): TaintEntry[] {
  return k.traps.taint.list().map(({ flag, cause }) => ({
    flag: flag.letter,
    name: flag.name,
    bit: flag.bit,
    causedBy: { ...cause },
  }));
}

/** A mask in words: a line for it, a line for each flag, and who is to blame where that is known. */
export function taintText(mask: bigint, causes: readonly TaintEntry[] = []): string {
  if (mask === 0n) return 'Not tainted\n';
  const lines = explainTaint(mask).flatMap((taint) => [
    taintLine(taint),
    ...causes.filter(({ bit }) => bit === taint.bit).map(({ causedBy }) => causeLine(causedBy)),
  ]);
  return `Tainted: ${taintLetters(mask)} (${mask}, 0x${mask.toString(16)})\n${lines.map((line) => `${line}\n`).join('')}`;
}

function taintLine({ flag, bit, name, text }: ExplainedTaint): string {
  return ` ${flag}  bit ${String(bit).padStart(2)}  ${name && `${name}: `}${text}`;
}

function causeLine({ module, task, reason }: TaintCause): string {
  const who = [module && `module ${module}`, task && `task ${task}`].filter(Boolean).join(', ');
  return `            by ${who || 'the kernel'}: ${reason}`;
}
