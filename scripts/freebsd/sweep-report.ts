import type { RunReport } from '../../src/machine/run-report.js';

/** What became of a kld. */
export interface Outcome {
  readonly name: string;
  readonly kind: 'clean' | 'findings' | 'missing' | 'refused' | 'stays' | 'crash';
  /** Why, in a line: '' for clean. */
  readonly why: string;
}

/** Faults that are not the module's: what modbox lacks. */
const STOPS: ReadonlySet<string> = new Set([
  'absent-variable',
  'unimplemented-export',
  'unimplemented-instruction',
]);

/** Classifies a report: what modbox lacks comes before what the module may have done. */
export function outcomeOf(name: string, report: RunReport | Error): Outcome {
  if (report instanceof Error) return { name, kind: 'crash', why: report.message };
  const internal = report.faults.find(({ kind }) => kind === 'internal');
  if (internal) return { name, kind: 'crash', why: internal.message };
  const [missing] = report.unimplemented;
  if (missing) return { name, kind: 'missing', why: missing.symbol };
  const absent = report.faults.find(({ kind }) => STOPS.has(kind));
  if (absent)
    return { name, kind: 'missing', why: absent.message.replace(/^modbox: /, '').replace(/ in \w+$/, '') };
  const undefinedSymbol = report.dmesg.find((line) => line.startsWith('link_elf_obj: symbol'));
  if (undefinedSymbol) return { name, kind: 'missing', why: undefinedSymbol };
  if (report.modprobe.exit !== 0 && report.faults.length === 0) {
    const said = report.dmesg.filter((line) => !line.startsWith('linker_load_file:'));
    return { name, kind: 'refused', why: said.at(-1) ?? report.modprobe.stderr[0] ?? '' };
  }
  const [fault] = report.faults;
  if (fault) return { name, kind: 'findings', why: `${fault.kind}: ${fault.message}` };
  const [leak] = report.leaks;
  if (leak)
    return { name, kind: 'findings', why: `leak of ${leak.bytes} bytes, allocated by ${leak.allocatedBy}` };
  if (report.remove.exit !== 0) return { name, kind: 'stays', why: report.remove.stderr[0] ?? '' };
  return { name, kind: 'clean', why: '' };
}

const WORDS: Readonly<Record<Outcome['kind'], string>> = {
  clean: 'load and unload with a clean report',
  stays: 'load and are not unloaded: they refuse',
  findings: 'load, or begin to, with a finding in the report',
  missing: 'are stopped, by name, at what modbox lacks',
  refused: 'are refused, by the kernel or by themselves',
  crash: 'end with an internal error of modbox',
};

/** Markdown: how many of each kind, and why, most frequent first. */
export function sweepText(outcomes: readonly Outcome[]): string {
  const lines = [`${outcomes.length} klds:`, '', '| klds | what becomes of them |', '|---|---|'];
  const kinds = Object.keys(WORDS) as Outcome['kind'][];
  for (const kind of kinds)
    lines.push(`| ${outcomes.filter((one) => one.kind === kind).length} | ${WORDS[kind]} |`);
  for (const kind of kinds.slice(1)) {
    const reasons = new Map<string, string[]>();
    for (const one of outcomes)
      if (one.kind === kind) reasons.set(one.why, [...(reasons.get(one.why) ?? []), one.name]);
    if (reasons.size === 0) continue;
    lines.push('', `## They ${WORDS[kind]}`, '', '| klds | why | which |', '|---|---|---|');
    for (const [why, which] of [...reasons].sort((a, b) => b[1].length - a[1].length))
      lines.push(
        `| ${which.length} | ${why.replaceAll('|', '\\|')} | ${which.slice(0, 6).join(' ')}${which.length > 6 ? ' ...' : ''} |`,
      );
  }
  return `${lines.join('\n')}\n`;
}
