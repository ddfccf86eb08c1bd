/** glob_match(): `?`, `*`, `[a-z]`, `[!a-z]` and backslashes, over the whole text (lib/glob.c). */
export function globMatch(pattern: string, text: string): boolean {
  return new RegExp(`^(?:${globSource(pattern)})$`, 's').test(text);
}

/** match_wildcard(): only `*` and `?` are special. */
export function wildcardMatch(pattern: string, text: string): boolean {
  const source = pattern.replace(/./gs, (c) => (c === '*' ? '.*' : c === '?' ? '.' : quote(c)));
  return new RegExp(`^(?:${source})$`, 's').test(text);
}

function globSource(pattern: string): string {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '\\' && at + 1 < pattern.length) source += quote(pattern[++at]);
    else if (character === '[') {
      const end = classEnd(pattern, at);
      if (end < 0) source += '\\[';
      else {
        source += classSource(pattern.slice(at + 1, end));
        at = end;
      }
    } else source += quote(character);
  }
  return source;
}

/** Where the `]` of a class is; one that comes first is a member. -1 for a class that does not end. */
function classEnd(pattern: string, at: number): number {
  const first = pattern[at + 1] === '!' ? at + 2 : at + 1;
  return pattern.indexOf(']', first + 1);
}

function classSource(body: string): string {
  const isNegated = body[0] === '!';
  const members = (isNegated ? body.slice(1) : body).replace(/[\\\]^[]/g, '\\$&');
  return `[${isNegated ? '^' : ''}${members}]`;
}

function quote(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
