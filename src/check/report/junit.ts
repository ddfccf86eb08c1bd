import type { Verdict } from '../reason.js';
import { escapeMarkup } from './markup.js';
import { reasonLines } from './text.js';

/**
 * The verdicts as JUnit's XML, as CI servers read it: a test suite for each kernel, a test case for each module, a
 * failure for each that does not load.
 */
export function junitXml(verdicts: readonly Verdict[]): string {
  const byTarget = new Map<string, Verdict[]>();
  for (const verdict of verdicts)
    byTarget.set(verdict.target, [...(byTarget.get(verdict.target) ?? []), verdict]);
  const suites = [...byTarget].map(([target, suite]) => suiteXml(target, suite)).join('');
  const failures = verdicts.filter(({ loads }) => !loads).length;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="modbox check" tests="${verdicts.length}" failures="${failures}" errors="0">\n${suites}</testsuites>\n`;
}

function suiteXml(target: string, verdicts: readonly Verdict[]): string {
  const failures = verdicts.filter(({ loads }) => !loads).length;
  const cases = verdicts.map(caseXml).join('');
  return `  <testsuite name="${escapeMarkup(target)}" tests="${verdicts.length}" failures="${failures}" errors="0" skipped="0">\n${cases}  </testsuite>\n`;
}

function caseXml(verdict: Verdict): string {
  const { module, target, file, loads, errno, taints, reasons } = verdict;
  const open = `    <testcase classname="${escapeMarkup(target)}" name="${escapeMarkup(module)}" file="${escapeMarkup(file)}" time="0"`;
  const text = escapeMarkup(reasonLines(verdict).join('\n'));
  if (loads && reasons.length === 0) return `${open}/>\n`;
  if (loads) {
    const taintText = taints === '' ? '' : `taints ${taints}\n`;
    return `${open}>\n      <system-out>${taintText}${text}</system-out>\n    </testcase>\n`;
  }
  const first = reasons.find(({ effect }) => effect === 'refused');
  const message = escapeMarkup(`${errno}: ${first?.text}`);
  return `${open}>\n      <failure type="${first?.kind}" message="${message}">${text}</failure>\n    </testcase>\n`;
}
