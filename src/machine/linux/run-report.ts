import { errnoName } from '../../linux/errno.js';
import type { FaultReport } from '../../linux/traps/report.js';
import { addressText, type ReportedFault } from '../reported-fault.js';

/** A fault as reports have it. */
export function reportedFault(fault: FaultReport): ReportedFault {
  return { ...fault, address: addressText(fault.address) };
}

export function errnoField(errno: number | undefined): string | null {
  return errno === undefined || errno === 0 ? null : errnoName(errno);
}
