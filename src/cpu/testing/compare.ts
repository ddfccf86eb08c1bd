import { AF, CF, OF, PF, SF, ZF } from '../decode/effects.js';
import { CASE_DATA, CASE_DATA_SIZE, type Case } from './cases.js';
import type { Outcome } from './native.js';

const FLAGS = CF | PF | AF | ZF | SF | OF;

/** Text that says how two outcomes differ, or undefined. */
export function difference(c: Case, expected: Outcome, actual: Outcome): string | undefined {
  const out: string[] = [];
  const hex = (value: bigint): string => value.toString(16);
  const fault = (o: Outcome): string => {
    if (!o.fault) return 'none';
    // A user process sees #GP as a segmentation fault too.
    const vector = o.fault.vector === 'GP' ? 'PF' : o.fault.vector;
    return `${vector} at ${hex(o.fault.rip)}`;
  };
  if (fault(expected) !== fault(actual)) out.push(`fault ${fault(expected)}, got ${fault(actual)}`);
  for (let reg = 0; reg < 16; reg++)
    if (expected.regs[reg] !== actual.regs[reg])
      out.push(`r${reg} ${hex(c.regs[reg])} -> ${hex(expected.regs[reg])}, got ${hex(actual.regs[reg])}`);
  if (expected.vectors && actual.vectors)
    for (let half = 0; half < 32; half++) {
      const at = half * 16;
      const [want, got] = [expected.vectors, actual.vectors].map((all) =>
        Buffer.from(all.subarray(at, at + 16)).toString('hex'),
      );
      const name = `${half & 1 ? 'upper half of ymm' : 'xmm'}${half >> 1}`;
      if (want !== got) out.push(`${name} ${want}, got ${got}`);
    }
  const flags = FLAGS & ~c.undefinedFlags;
  // Dead flags are not kept precise at a fault.
  if (!expected.fault && (expected.flags ^ actual.flags) & flags)
    out.push(`flags ${(expected.flags & flags).toString(16)}, got ${(actual.flags & flags).toString(16)}`);
  // The eight bytes below RSP hold the flags that the test itself pushes.
  const below = expected.fault ? -1 : Number(actual.regs[4] - CASE_DATA) - 8;
  for (let i = 0; i < CASE_DATA_SIZE; i++) {
    if (i >= below && i < below + 8 && below >= 0) continue;
    if (expected.data[i] !== actual.data[i]) {
      out.push(`data[${i}] ${expected.data[i]}, got ${actual.data[i]}`);
      break;
    }
  }
  return out.length > 0 ? `${c.source.replaceAll('\n', '; ')}: ${out.join('; ')}` : undefined;
}
