/**
 * Whether a text matches a shell pattern as fnmatch(3) has it without flags: `*` and `?` match '/' too,
 * `[a-z]` and `[!a-z]` are sets, a backslash takes the next character as it is.
 */
export function globMatches(pattern: string, text: string): boolean {
  return matcherOf(pattern)(text);
}

export type Matcher = (text: string) => boolean;

const SPECIAL = /[*?[\\]/;
const compiled = new Map<string, Matcher>();

/** The matcher for a pattern; equal patterns share it. */
export function matcherOf(pattern: string): Matcher {
  let matcher = compiled.get(pattern);
  if (!matcher) {
    matcher = compile(pattern);
    compiled.set(pattern, matcher);
  }
  return matcher;
}

/** The part of a pattern that is matched letter by letter: everything before its first special character. */
export function literalPrefix(pattern: string): string {
  const at = pattern.search(SPECIAL);
  return at < 0 ? pattern : pattern.slice(0, at);
}

function compile(pattern: string): Matcher {
  if (!SPECIAL.test(pattern)) return (text) => text === pattern;
  const pieces = parse(pattern);
  return (text) => matchFrom(pieces, 0, text, 0);
}

type Piece = 'any' | 'one' | ((char: string) => boolean);

function parse(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === '*') {
      if (pieces.at(-1) !== 'any') pieces.push('any');
    } else if (char === '?') pieces.push('one');
    else if (char === '[') {
      const end = endOfSet(pattern, at);
      if (end < 0) pieces.push((c) => c === '[');
      else {
        pieces.push(parseSet(pattern.slice(at + 1, end)));
        at = end;
      }
    } else if (char === '\\' && at + 1 < pattern.length) {
      const next = pattern[++at];
      pieces.push((c) => c === next);
    } else pieces.push((c) => c === char);
  }
  return pieces;
}

function endOfSet(pattern: string, start: number): number {
  let at = start + 1;
  if (pattern[at] === '!' || pattern[at] === '^') at++;
  if (pattern[at] === ']') at++;
  return pattern.indexOf(']', at);
}

function parseSet(body: string): (char: string) => boolean {
  const inverted = body[0] === '!' || body[0] === '^';
  const ranges: [string, string][] = [];
  for (let at = inverted ? 1 : 0; at < body.length; at++) {
    if (body[at + 1] === '-' && at + 2 < body.length) {
      ranges.push([body[at], body[at + 2]]);
      at += 2;
    } else ranges.push([body[at], body[at]]);
  }
  return (char) => ranges.some(([low, high]) => char >= low && char <= high) !== inverted;
}

/** Matches with one point to come back to, the last `*`: enough, since a later star subsumes an earlier one. */
function matchFrom(pieces: readonly Piece[], startPiece: number, text: string, startText: number): boolean {
  let piece = startPiece;
  let at = startText;
  let starPiece = -1;
  let starAt = 0;
  while (at < text.length) {
    const wanted = pieces[piece];
    if (wanted === 'any') {
      starPiece = piece++;
      starAt = at;
    } else if (wanted !== undefined && (wanted === 'one' || wanted(text[at]))) {
      piece++;
      at++;
    } else if (starPiece >= 0) {
      piece = starPiece + 1;
      at = ++starAt;
    } else return false;
  }
  while (pieces[piece] === 'any') piece++;
  return piece === pieces.length;
}
