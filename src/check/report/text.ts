import { visible } from '../../formats/visible-text.js';
import type { Reason, Verdict } from '../reason.js';
import { causesOf, unexplained, type VersionReason, versionReasons } from './causes.js';

/** How text is set off; with a terminal's colours, or as it is. */
export interface TextStyle {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

const PLAIN: TextStyle = {
  bold: (text) => text,
  dim: (text) => text,
  red: (text) => text,
  green: (text) => text,
  yellow: (text) => text,
};

/** Symbols and causes that are named before the rest is counted. */
const NAMED = 6;
/** Changes of one type that are told. */
const CHANGES_TOLD = 3;

/** `e1000e on linux/6.12.1: does not load (ENOEXEC)`. */
export function verdictLine(
  { module, target, loads, errno, taints }: Verdict,
  style: TextStyle = PLAIN,
): string {
  const what = loads
    ? style.green('loads') + (taints === '' ? '' : `, ${style.yellow(`taints ${taints}`)}`)
    : `${style.red('does not load')} (${errno})`;
  return `${style.bold(visible(module))} on ${visible(target)}: ${what}`;
}

/** A verdict with all its reasons. Symbols of other versions are told together, by what changed. */
export function verdictText(verdict: Verdict, style: TextStyle = PLAIN): string {
  const lines = [verdictLine(verdict, style), ...reasonLines(verdict, style).map((line) => `  ${line}`)];
  return `${lines.join('\n')}\n`;
}

/** The reasons of a verdict, one or several lines each. */
export function reasonLines(verdict: Verdict, style: TextStyle = PLAIN): string[] {
  const versions = versionReasons(verdict);
  const lines: string[] = [];
  let told = false;
  for (const reason of verdict.reasons) {
    if (reason.kind !== 'version') lines.push(line(reason, style));
    else if (!told) {
      lines.push(...versionLines(versions, style));
      told = true;
    }
  }
  return lines;
}

function line(reason: Reason, style: TextStyle): string {
  return `${heading(reason, style)}: ${visible(reason.text)}`;
}

function heading({ effect, kind }: Reason, style: TextStyle): string {
  if (effect === 'refused') return style.red(kind);
  return effect === 'taints' ? style.yellow(kind) : style.dim(kind);
}

function versionLines(reasons: readonly VersionReason[], style: TextStyle): string[] {
  if (reasons.length === 1 && reasons[0].changes === undefined) return [line(reasons[0], style)];
  const causes = causesOf(reasons);
  const { same, unknown } = unexplained(reasons);
  const symbols = reasons.map(({ symbol }) => symbol);
  const count =
    symbols.length === 1 ? "a symbol's version differs" : `the versions of ${symbols.length} symbols differ`;
  const lines = [`${style.red('version')}: ${count}: ${listed(symbols)}`];
  for (const { type, texts, symbols: explained, path } of causes.slice(0, NAMED)) {
    const more = texts.length > CHANGES_TOLD ? `; ${texts.length - CHANGES_TOLD} more changes` : '';
    const way = style.dim(
      visible(`(${[...path, type].join(' > ')}; ${countOf(explained.length, 'symbol')})`),
    );
    lines.push(`  ${visible(`${type}: ${texts.slice(0, CHANGES_TOLD).join('; ')}${more}`)} ${way}`);
  }
  if (causes.length > NAMED) lines.push(`  and ${countOf(causes.length - NAMED, 'more changed type')}`);
  if (same.length > 0) lines.push(`  the same types, as far as BTF tells: ${listed(same)}`);
  if (unknown.length > 0) lines.push(`  types not known: ${listed(unknown)}`);
  return lines;
}

function listed(names: readonly string[]): string {
  const shown = visible(names.slice(0, NAMED).join(', '));
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} more` : shown;
}

function countOf(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/** `4023 modules on linux/6.1.0-53-amd64: 4021 load, 2 do not`: a line for each kernel. */
export function summaryText(verdicts: readonly Verdict[], style: TextStyle = PLAIN): string {
  const counts = new Map<string, { loads: number; refused: number }>();
  for (const { target, loads } of verdicts) {
    const count = counts.get(target) ?? { loads: 0, refused: 0 };
    if (loads) count.loads++;
    else count.refused++;
    counts.set(target, count);
  }
  return [...counts]
    .map(([target, { loads, refused }]) => {
      const text = `${countOf(loads + refused, 'module')} on ${target}: ${loads} load, ${refused} do not`;
      return `${refused === 0 ? style.green(text) : style.red(text)}\n`;
    })
    .join('');
}
