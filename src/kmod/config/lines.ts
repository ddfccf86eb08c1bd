/** A line of a configuration file, after joining. */
interface LogicalLine {
  readonly text: string;
  /** Number of the last of the lines of the file that it is made of, from 1 on. */
  readonly number: number;
}

/**
 * Lines as kmod joins them: a backslash takes away the end of a line behind it, and otherwise itself, leaving
 * the character behind it as it is.
 */
export function* logicalLines(text: string): Generator<LogicalLine> {
  let number = 0;
  let start = 0;
  let line = '';
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char !== undefined && char !== '\n' && char !== '\\') continue;
    line += text.slice(start, at);
    start = at + 1;
    if (char === '\\') {
      const next = text[at + 1];
      if (next === '\n') number++;
      else if (next !== undefined) line += next;
      if (next !== undefined) at++;
      start = at + 1;
      continue;
    }
    if (char === undefined && line === '') return;
    number++;
    const end = line.indexOf('\0');
    yield { text: end < 0 ? line : line.slice(0, end), number };
    line = '';
  }
}
