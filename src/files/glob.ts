import { parseGlobSet } from './glob-set.js';

/**
 * Whether a text matches a shell pattern as fnmatch(3) has it without flags: `*` and `?` match '/' too,
 * `[a-z]` and `[!a-z]` are sets, which may hold classes (`[[:digit:]]`), a backslash takes the next character as it is.
 */
export function globMatches(pattern: string, text: string): boolean {
  return matcherOf(pattern)(text);
}

type Matcher = (text: string) => boolean;

const SPECIAL = /[*?[\\]/;
/** How many patterns are kept compiled: more than any tree's configuration and a few requests have. */
const KEPT = 20_000;
const compiled = new Map<string, Matcher>();

/** The matcher for a pattern; equal patterns share it. */
export function matcherOf(pattern: string): Matcher {
  let matcher = compiled.get(pattern);
  if (!matcher) {
    matcher = compile(pattern);
    if (compiled.size >= KEPT) compiled.clear();
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
      const set = parseGlobSet(pattern, at);
      pieces.push(set?.matches ?? ((c) => c === '['));
      if (set) at = set.next - 1;
    } else if (char === '\\') {
      // With nothing behind it, it matches nothing.
      const next = pattern[++at];
      pieces.push((c) => c === next);
    } else pieces.push((c) => c === char);
  }
  return pieces;
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
