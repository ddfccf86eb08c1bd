import { RE2JS, RE2JSException } from 're2js';
import { AppletUsageError } from '../applet.js';

/** What a pattern is written in: grep -F, -E, or as POSIX has it by default. */
export interface PatternOptions {
  readonly kind: 'fixed' | 'extended' | 'basic';
  readonly ignoreCase?: boolean;
  /** Only whole words match. */
  readonly words?: boolean;
  /** Only the whole text matches. */
  readonly whole?: boolean;
}

export interface Match {
  readonly at: number;
  readonly text: string;
  /** Groups; the whole is the first. */
  readonly groups: readonly string[];
}

/** A compiled pattern; the time it takes grows with the text only, whatever the pattern is (RE2). */
export interface Pattern {
  test(text: string): boolean;
  /** From left to right, none within another. */
  all(text: string): Generator<Match>;
}

/** Throws AppletUsageError for what is no pattern, and for back-references, which take time without bounds. */
export function compilePattern(pattern: string, options: PatternOptions): Pattern {
  let source = options.kind === 'fixed' ? RE2JS.quote(pattern) : toRe2(pattern, options.kind === 'basic');
  if (options.words) source = `\\b(?:${source})\\b`;
  if (options.whole) source = `^(?:${source})$`;
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(source, options.ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    if (error instanceof RE2JSException) throw new AppletUsageError(`bad pattern '${pattern}'`);
    throw error;
  }
  return {
    test: (text) => compiled.matcher(text).find(),
    *all(text) {
      const matcher = compiled.matcher(text);
      while (matcher.find())
        yield {
          at: matcher.start(),
          text: matcher.group() ?? '',
          groups: Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? ''),
        };
    },
  };
}

/** GNU's escapes for what else has none. */
const SAME_ESCAPES = 'wWsSbB';

/** A POSIX regular expression as RE2 writes it. */
function toRe2(pattern: string, basic: boolean): string {
  let out = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '[') {
      const end = bracketEnd(pattern, at);
      if (end < 0) throw new AppletUsageError(`bad pattern '${pattern}': unmatched [`);
      out += bracket(pattern.slice(at + 1, end));
      at = end;
    } else if (char === '\\') {
      const next = pattern[++at];
      if (next === undefined) throw new AppletUsageError(`bad pattern '${pattern}': trailing backslash`);
      if (/[1-9]/.test(next))
        throw new AppletUsageError(`bad pattern '${pattern}': back-references are not implemented`);
      if (next === '<' || next === '>') out += '\\b';
      else if (SAME_ESCAPES.includes(next)) out += `\\${next}`;
      else if (basic && '+?|(){}'.includes(next)) out += next;
      else out += RE2JS.quote(next);
    } else if (basic && '+?|(){}'.includes(char)) out += `\\${char}`;
    else if (basic && char === '*' && (out === '' || /(?:\(|\||^\^)$/.test(out))) out += '\\*';
    else if (basic && char === '^' && !/(?:^|\(|\|)$/.test(out)) out += '\\^';
    else if (basic && char === '$' && !/^(?:$|\\\)|\\\|)/.test(pattern.slice(at + 1))) out += '\\$';
    else out += char;
  }
  return out;
}

/** Where the `]` of a bracket expression is; -1 if nowhere. */
function bracketEnd(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === '^') at++;
  if (pattern[at] === ']') at++;
  for (; at < pattern.length; at++) {
    if (pattern[at] === ']') return at;
    if (pattern.startsWith('[:', at)) {
      const end = pattern.indexOf(':]', at);
      if (end > 0) at = end + 1;
    }
  }
  return -1;
}

/** In a POSIX bracket a backslash and a `[` stand for themselves. */
function bracket(inside: string): string {
  const negated = inside.startsWith('^') ? '^' : '';
  const rest = inside.slice(negated.length);
  return `[${negated}${rest.replace(/\[:\w+:\]|[\\[\]]/g, (found) => (found.length > 1 ? found : `\\${found}`))}]`;
}
