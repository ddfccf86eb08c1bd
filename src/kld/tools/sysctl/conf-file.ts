/** A setting of sysctl.conf(5), and its line from 1 on. */
export interface Setting {
  readonly text: string;
  readonly line: number;
}

/** The settings of a file for -f: a line each, without comments and white space around them. */
export function settingsOf(text: string): readonly Setting[] {
  return text
    .split('\n')
    .map((line, i) => ({ text: withoutComment(line).trim(), line: i + 1 }))
    .filter((setting) => setting.text !== '');
}

/**
 * A '#' begins a comment unless '\' is before it, or a quote anywhere: then the line ends behind the second quote, if there is one,
 * and else is whole.
 */
function withoutComment(line: string): string {
  const single = line.indexOf("'");
  const double = line.indexOf('"');
  for (let at = line.indexOf('#'); at >= 0; at = line.indexOf('#', at + 1)) {
    const quote = single >= 0 && at > single ? single : double >= 0 && at > double ? double : -1;
    if (quote >= 0) {
      const end = line.indexOf(line[quote], quote + 1);
      return end < 0 ? line : line.slice(0, end + 1);
    }
    if (at === 0 || line[at - 1] !== '\\') return line.slice(0, at);
  }
  return line;
}
