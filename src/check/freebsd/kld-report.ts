import { visible, visibleJson } from '../../formats/visible-text.js';
import { type KldVerdict, kldLogLines } from './kld-verdict.js';

/** What `modbox check --json` prints of klds: as of Linux's modules. */
export function kldCheckJson(verdicts: readonly KldVerdict[]): string {
  const loads = verdicts.filter((verdict) => verdict.loads).length;
  const targets = [...new Set(verdicts.map(({ target }) => target))];
  const lines = verdicts.map((verdict) => {
    const whole = { ...verdict, errno: verdict.errno ?? null, log: kldLogLines(verdict) };
    return `    ${visibleJson(JSON.stringify(whole))}`;
  });
  return `{\n  "targets": ${JSON.stringify(targets)},\n  "loads": ${loads},\n  "refused": ${verdicts.length - loads},\n  "verdicts": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** Verdicts for a person to read, and how many there were. */
export function kldVerdictText(verdicts: readonly KldVerdict[]): string {
  const lines = verdicts.flatMap(linesOf).map((line) => `${visible(line)}\n`);
  if (verdicts.length < 2) return lines.join('');
  const loads = verdicts.filter((verdict) => verdict.loads).length;
  return `${lines.join('')}${loads} of ${verdicts.length} load\n`;
}

function linesOf(verdict: KldVerdict): string[] {
  const { module, target, loads, errno, reasons } = verdict;
  return [
    `${module} on ${target}: ${loads ? 'loads' : `does not load (${errno})`}`,
    ...reasons.map(({ text, effect }) => `  ${effect === 'note' ? 'note: ' : ''}${text}`),
    ...kldLogLines(verdict).map((line) => `  the kernel logs: ${line}`),
  ];
}
