import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  explainTaint,
  MachineError,
  parseTaint,
  type RunReport,
  readGivenText,
  type TaintEntry,
  taintLetters,
  taintText,
  UsageError,
} from '../../index.js';
import { print } from '../output.js';

const TAINTED = '/proc/sys/kernel/tainted';

const HELP = `usage: modbox taint [MASK | REPORT.json | -]

Explains what a kernel is tainted with. MASK is a number, decimal or with 0x, or the letters of an oops or of /proc/modules
(G, O, E, ...); REPORT.json is what modbox run --json printed (- reads it from standard input), which also names who
caused each flag. Without an operand ${TAINTED} is read, below MODBOX_ROOT.

  --json            one JSON object a mask
`;

interface Subject {
  /** The module that a report is of. */
  readonly module?: string;
  readonly mask: bigint;
  readonly taints: readonly TaintEntry[];
}

/** \`modbox taint\`. */
export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.some((word) => word.trim() === '')) throw new UsageError('taint: an empty operand');
  for (const subject of subjectsOf(positionals.join(' ')))
    print(values.json ? jsonText(subject) : text(subject));
  return 0;
}

function subjectsOf(given: string): Subject[] {
  if (given === '') return [{ mask: ownMask(), taints: [] }];
  if (given === '-') return reports(readFileSync(0, 'utf8'), 'standard input');
  const mask = parseTaint(given);
  if (mask !== undefined) return [{ mask, taints: [] }];
  if (given.includes('.') || given.includes('/')) return reports(readGivenText(given), given);
  throw new UsageError(`taint: ${given}: neither a mask, nor letters of flags, nor a report`);
}

function ownMask(): bigint {
  const path = `${process.env.MODBOX_ROOT ?? ''}${TAINTED}`;
  const mask = parseTaint(readGivenText(path));
  if (mask === undefined) throw new MachineError(`${path}: no number`);
  return mask;
}

/** One report, or one a line as --each-from writes them. */
function reports(content: string, file: string): Subject[] {
  const lines = content.split('\n');
  if (content.trim() === '') throw new MachineError(`${file}: is empty, and no report`);
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [subjectOf(line, `${file}: line ${i + 1}`)]));
}

function subjectOf(line: string, place: string): Subject {
  let report: unknown;
  try {
    report = JSON.parse(line);
  } catch (error) {
    throw new MachineError(`${place}: ${(error as Error).message}`);
  }
  const { module, tainted, taints } = (report ?? {}) as Partial<RunReport>;
  if (typeof module !== 'string' || !Number.isSafeInteger(tainted) || tainted! < 0)
    throw new MachineError(`${place}: no report of modbox run --json`);
  const entries = Array.isArray(taints) ? taints : [];
  const mask = entries.reduce((all, { bit }) => all | (1n << BigInt(bit)), BigInt(tainted!));
  return { module, mask, taints: entries };
}

function text({ module, mask, taints }: Subject): string {
  return `${module === undefined ? '' : `${module}: `}${taintText(mask, taints)}`;
}

function jsonText({ module, mask, taints }: Subject): string {
  const flags = explainTaint(mask).map((taint) => ({
    ...taint,
    causedBy: taints.find(({ bit }) => bit === taint.bit)?.causedBy ?? null,
  }));
  const object = {
    ...(module !== undefined && { module }),
    mask: `0x${mask.toString(16)}`,
    letters: taintLetters(mask),
    flags,
  };
  return `${JSON.stringify(object)}\n`;
}
