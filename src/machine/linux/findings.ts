import type { FaultReport } from '../../linux/traps/report.js';
import type { Machine } from './machine.js';

/** Entries of a call trace that are shown. */
const TRACE_SHOWN = 8;

/** Faults that end the task they are found in: the log has the whole oops. */
const FATAL: ReadonlySet<FaultReport['kind']> = new Set([
  'null-dereference',
  'page-fault',
  'stack-overflow',
  'execute-fault',
  'write-protected',
  'general-protection',
  'invalid-opcode',
  'divide-error',
  'exception',
  'bug',
  'panic',
  'stack-corruption',
  'soft-lockup',
  'unimplemented-instruction',
  'unimplemented-export',
  'internal',
]);

/**
 * Tells somebody at a terminal what was found since the last time: faults by their first line and where to
 * read on, what only modbox finds (use after free, what a module left behind, ...) with its place.
 */
export class Findings {
  private told: number;
  private notKept: number;

  constructor(private readonly machine: Machine) {
    this.told = machine.kernel.traps.reports.length;
    this.notKept = machine.kernel.traps.suppressed;
  }

  /** A text of whole lines, '' for nothing new. */
  take(): string {
    const { reports, suppressed } = this.machine.kernel.traps;
    const more = suppressed - this.notKept;
    this.notKept = suppressed;
    const fresh = reports.slice(this.told);
    this.told = reports.length;
    const rest = more === 0 ? '' : `modbox: ${more} more reports were not kept: only the first are\n`;
    return fresh.map(findingText).join('') + rest;
  }
}

function findingText(report: FaultReport): string {
  const about =
    report.device === undefined || report.message.includes(report.device) ? '' : ` (${report.device})`;
  const message = report.message.replace(/^modbox: /, '') + about;
  if (FATAL.has(report.kind))
    return `modbox: ${message}, at ${report.at}\nmodbox: dmesg shows registers and call trace\n`;
  if (report.kind === 'left-behind') return `modbox: ${message}\n`;
  const trace = report.trace.slice(0, TRACE_SHOWN).map((entry) => `    ${entry}\n`);
  const at = report.trace.length > 0 ? '' : `    at ${report.at}\n`;
  return `modbox: ${report.kind}: ${message}\n${at}${trace.join('')}`;
}
