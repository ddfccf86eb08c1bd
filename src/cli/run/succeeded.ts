import type { RunReport } from '../../index.js';

/** Whether a run counts as a success: loaded, used and removed without a fault, and everything given back. */
export function succeeded(report: RunReport): boolean {
  return (
    report.modprobe.exit === 0 &&
    report.remove.exit === 0 &&
    report.exec.every(({ exit }) => exit === 0) &&
    report.faults.length === 0 &&
    report.unimplemented.length === 0 &&
    report.leaks.length === 0 &&
    report.leftBehind.length === 0
  );
}
