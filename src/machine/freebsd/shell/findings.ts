import type { FaultReport } from '../../../freebsd/kern/reports.js';
import type { FreebsdMachine } from '../machine.js';

/** Entries of a call trace that are shown. */
const TRACE_SHOWN = 8;

/** Tells somebody at a terminal what was found since the last time. */
export class Findings {
  private told: number;
  private notKept: number;

  constructor(private readonly machine: FreebsdMachine) {
    this.told = machine.kernel.trap.reports.all.length;
    this.notKept = machine.faultsNotKept;
  }

  /** A text of whole lines, '' for nothing new. */
  take(): string {
    const { all } = this.machine.kernel.trap.reports;
    const fresh = all.slice(this.told);
    this.told = all.length;
    const more = this.machine.faultsNotKept - this.notKept;
    this.notKept += more;
    const rest = more === 0 ? '' : `modbox: ${more} more reports were not kept: only the first are\n`;
    return fresh.map(findingText).join('') + rest;
  }
}

function findingText({ kind, message, at, trace }: FaultReport): string {
  const shown = trace.slice(0, TRACE_SHOWN).map((entry) => `    ${entry}\n`);
  const place = shown.length > 0 ? '' : `    at ${at}\n`;
  return `modbox: ${kind}: ${message}\n${place}${shown.join('')}`;
}
