/**
 * Patterns of module code. They are matched as the kernel does it, not turned into regular expressions, whose matching can take
 * for ever: a `*` that turns out to be too short is made longer by one, and only the last one is ever tried again.
 */

type Token =
  /** `*` */
  | { readonly kind: 'any' }
  /** Where the text has to end: what a backslash at the end of a pattern stands for. */
  | { readonly kind: 'end' }
  | { readonly kind: 'one'; matches(character: string): boolean };

/** glob_match(): `?`, `*`, `[a-z]`, `[!a-z]` and backslashes, over the whole text (lib/glob.c). */
export function globMatch(pattern: string, text: string): boolean {
  return matchTokens(globTokens(pattern), text);
}

/** match_wildcard(): only `*` and `?` are special. */
export function wildcardMatch(pattern: string, text: string): boolean {
  return matchTokens([...pattern].map(wildcard), text);
}

const ANY: Token = { kind: 'any' };
const END: Token = { kind: 'end' };
const ONE: Token = { kind: 'one', matches: () => true };

const literal = (wanted: string): Token => ({ kind: 'one', matches: (character) => character === wanted });

function wildcard(character: string): Token {
  if (character === '*') return ANY;
  return character === '?' ? ONE : literal(character);
}

function matchTokens(tokens: readonly Token[], text: string): boolean {
  let token = 0;
  let at = 0;
  /** Behind the last `*`, and how much of the text it has taken. */
  let behindStar = -1;
  let taken = 0;
  while (at < text.length) {
    const wanted = tokens[token];
    if (wanted?.kind === 'any') {
      behindStar = ++token;
      taken = at;
    } else if (wanted?.kind === 'one' && wanted.matches(text[at])) {
      token++;
      at++;
    } else if (behindStar >= 0) {
      token = behindStar;
      at = ++taken;
    } else return false;
  }
  return tokens.slice(token).every(({ kind }) => kind !== 'one');
}

function globTokens(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === '\\') {
      at++;
      tokens.push(at < pattern.length ? literal(pattern[at]) : END);
    } else if (character === '[') {
      const end = classEnd(pattern, at);
      tokens.push(end < 0 ? literal('[') : characterClass(pattern.slice(at + 1, end)));
      if (end >= 0) at = end;
    } else tokens.push(wildcard(character));
  }
  return tokens;
}

/** Where the `]` of a class is; one that comes first is a member. -1 for a class that does not end. */
function classEnd(pattern: string, at: number): number {
  const first = pattern[at + 1] === '!' ? at + 2 : at + 1;
  return pattern.indexOf(']', first + 1);
}

function characterClass(body: string): Token {
  const isNegated = body[0] === '!';
  const members = isNegated ? body.slice(1) : body;
  const ranges: (readonly [from: string, to: string])[] = [];
  for (let i = 0; i < members.length; i++) {
    const isRange = members[i + 1] === '-' && i + 2 < members.length;
    ranges.push([members[i], members[isRange ? i + 2 : i]]);
    if (isRange) i += 2;
  }
  return {
    kind: 'one',
    matches: (character) => ranges.some(([from, to]) => from <= character && character <= to) !== isNegated,
  };
}
