import type { Verdict } from '../reason.js';
import { SCRIPT, STYLE } from './html-page.js';
import { escapeMarkup } from './markup.js';
import { reasonLines } from './text.js';

/**
 * A page with a matrix of modules by kernels, by itself: no other file is needed, and nothing is fetched. A cell opens
 * the reasons of its verdict; a field and a box narrow the rows down.
 */
export function htmlMatrix(verdicts: readonly Verdict[]): string {
  const targets = [...new Set(verdicts.map(({ target }) => target))];
  const rows = new Map<string, Map<string, Verdict>>();
  for (const verdict of verdicts) {
    const row = rows.get(verdict.file) ?? new Map<string, Verdict>();
    row.set(verdict.target, verdict);
    rows.set(verdict.file, row);
  }
  const reasons = new ReasonTexts();
  const head = targets.map((target) => `<th scope="col">${columnHead(target, verdicts)}</th>`).join('');
  const body = [...rows.values()].map((row) => rowHtml(row, targets, reasons)).join('\n');
  const refused = verdicts.filter(({ loads }) => !loads).length;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>modbox check</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Do these modules load?</h1>
<p>${rows.size} modules, ${targets.length} kernels, ${refused} of ${verdicts.length} verdicts say no.</p>
<p><label>Module <input id="filter" type="search"></label>
<label><input id="refused" type="checkbox"> only those that do not load somewhere</label></p>
</header>
<main>
<table>
<thead><tr><th scope="col">module</th>${head}</tr></thead>
<tbody>
${body}
</tbody>
</table>
</main>
<dialog id="reasons"><h2></h2><pre></pre><form method="dialog"><button autofocus>Close</button></form></dialog>
<script type="application/json" id="texts">${scriptJson(reasons.all)}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** Many verdicts have the same reasons: each text is in the page once. */
class ReasonTexts {
  private readonly numbers = new Map<string, number>();

  get all(): string[] {
    return [...this.numbers.keys()];
  }

  numberOf(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    this.numbers.set(text, this.numbers.size);
    return this.numbers.size - 1;
  }
}

function columnHead(target: string, verdicts: readonly Verdict[]): string {
  const own = verdicts.filter((verdict) => verdict.target === target);
  const loads = own.filter((verdict) => verdict.loads).length;
  return `${escapeMarkup(target)}<br><small>${loads} of ${own.length}</small>`;
}

function rowHtml(
  row: ReadonlyMap<string, Verdict>,
  targets: readonly string[],
  reasons: ReasonTexts,
): string {
  const [{ module, file }] = row.values();
  const cells = targets.map((target) => cellHtml(row.get(target), reasons)).join('');
  const refused = [...row.values()].some(({ loads }) => !loads);
  return `<tr${refused ? ' class="refused"' : ''}><th scope="row" title="${escapeMarkup(file)}">${escapeMarkup(module)}</th>${cells}</tr>`;
}

function cellHtml(verdict: Verdict | undefined, reasons: ReasonTexts): string {
  if (!verdict) return '<td></td>';
  const { loads, errno, taints } = verdict;
  const text = loads ? `loads${taints === '' ? '' : ` ${taints}`}` : `${errno}`;
  const kind = loads ? (taints === '' ? 'yes' : 'taints') : 'no';
  const lines = reasonLines(verdict);
  if (lines.length === 0) return `<td class="${kind}">${text}</td>`;
  return `<td class="${kind}"><button data-r="${reasons.numberOf(lines.join('\n'))}">${text}</button></td>`;
}

/** JSON within a script element: nothing in it may end the element. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/</g, '\\u003c');
}
