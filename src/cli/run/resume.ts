import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { type RunReport, UsageError } from '../../index.js';
import { listedModule } from './failed-report.js';
import { succeeded } from './succeeded.js';

/** What an earlier run got to, as its list named it; how often, where a report is from before lists were noted. */
export interface Finished {
  readonly listed: ReadonlySet<string>;
  readonly modules: ReadonlyMap<string, number>;
  /** How many did not succeed. */
  readonly failed: number;
}

export const NOTHING_FINISHED: Finished = { listed: new Set(), modules: new Map(), failed: 0 };

/** What the file of an earlier run has. A line that was cut off at its end is taken out. Throws UsageError. */
export function finished(file: string): Finished {
  const listed = new Set<string>();
  const modules = new Map<string, number>();
  let failed = 0;
  if (!existsSync(file)) return NOTHING_FINISHED;
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end !== bytes.length) truncateSync(file, end);
  const lines = bytes.toString('utf8', 0, end).split('\n');
  lines.forEach((text, i) => {
    if (text.trim() === '') return;
    const report = reportIn(text, `${file}: line ${i + 1}`);
    if (!succeeded(report)) failed++;
    if (report.listed !== undefined) listed.add(report.listed);
    else modules.set(report.module, (modules.get(report.module) ?? 0) + 1);
  });
  return { listed, modules, failed };
}

function reportIn(text: string, place: string): RunReport & { readonly listed?: string } {
  try {
    const report = JSON.parse(text) as RunReport & { readonly listed?: string };
    if (typeof report.module === 'string' && report.modprobe && report.remove && Array.isArray(report.faults))
      return report;
  } catch {
    // Said below.
  }
  throw new UsageError(`--resume: ${place} is no report of modbox run --json`);
}

/** Of a list what an earlier run did not come to. */
export function stillToDo(wanted: readonly string[], { listed, modules }: Finished): string[] {
  const left = new Map(modules);
  return wanted.filter((name) => {
    if (listed.has(name)) return false;
    const key = [name, listedModule(name)].find((known) => (left.get(known) ?? 0) > 0);
    if (key === undefined) return true;
    left.set(key, left.get(key)! - 1);
    return false;
  });
}
