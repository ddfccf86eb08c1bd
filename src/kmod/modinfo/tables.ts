import { readable } from '../byte-text.js';
import type { ReportViews } from './report.js';

/** What `--exports`, `--imports`, `--sections` and `--btf` print for people: a heading and a table for each. */
export function viewsText(name: string, { exports, imports, sections, btf }: ReportViews): string {
  const parts: string[] = [];
  if (exports)
    parts.push(
      table(
        `${name}: ${count(exports.length, 'exported symbol')}`,
        ['CRC', 'for', 'namespace', 'symbol'],
        exports.map((e) => [e.crc ?? '-', e.gplOnly ? 'GPL only' : 'all', e.namespace ?? '-', e.symbol]),
      ),
    );
  if (imports)
    parts.push(
      table(
        `${name}: ${count(imports.length, 'imported symbol')}`,
        ['CRC', 'binding', 'from', 'symbol'],
        imports.map((i) => [i.crc ?? '-', i.weak ? 'weak' : 'strong', i.from ?? 'unknown', i.symbol]),
      ),
    );
  if (sections)
    parts.push(
      table(
        `${name}: ${count(sections.length, 'section')}`,
        ['type', 'flags', '>size', '>align', 'name'],
        sections.map((s) => [s.type, s.flags || '-', String(s.size), String(s.alignment), s.name]),
      ),
    );
  if (btf)
    parts.push(
      table(
        `${name}: ${count(btf.length, 'type')} of its own`,
        ['kind', 'name'],
        btf.map((t) => [t.kind, t.name ?? "(the kernel's BTF has the name)"]),
      ),
    );
  return parts.join('\n');
}

function count(number: number, what: string): string {
  return `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;
}

/** Columns whose heading begins with '>' are set to the right; the last one is not padded. */
function table(title: string, headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return `${title}\n`;
  const right = headings.map((heading) => heading.startsWith('>'));
  const lines = [
    headings.map((heading) => heading.replace('>', '')),
    ...rows.map((row) => row.map(readable)),
  ];
  const widths = headings.map((_, i) => lines.reduce((most, line) => Math.max(most, line[i].length), 0));
  const cell = (text: string, i: number): string => {
    if (right[i]) return text.padStart(widths[i]);
    return i === widths.length - 1 ? text : text.padEnd(widths[i]);
  };
  return `${title}\n${lines.map((line) => `  ${line.map(cell).join('  ')}\n`).join('')}`;
}
