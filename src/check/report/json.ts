import { visibleJson } from '../../formats/visible-text.js';
import { logLines } from '../log-lines.js';
import type { Verdict } from '../reason.js';

/** What `modbox check --json` prints; the schema is in the folder's README. */
export function checkJson(verdicts: readonly Verdict[]): string {
  const counts = { loads: 0, refused: 0 };
  for (const { loads } of verdicts) counts[loads ? 'loads' : 'refused']++;
  const targets = [...new Set(verdicts.map(({ target }) => target))];
  const lines = verdicts.map(
    (verdict) =>
      `    ${visibleJson(JSON.stringify({ ...verdict, errno: verdict.errno ?? null, log: logLines(verdict) }))}`,
  );
  return `{\n  "targets": ${JSON.stringify(targets)},\n  "loads": ${counts.loads},\n  "refused": ${counts.refused},\n  "verdicts": [\n${lines.join(',\n')}\n  ]\n}\n`;
}
