/** Which of the settings of a module a line has: `NAME_load="YES"`, `NAME_flags="-v"`, ... */
export type ModuleKey = 'load' | 'name' | 'type' | 'flags' | 'before' | 'after' | 'error';

/** A line of loader.conf(5). Values are as they are written, without their quotes. */
export type ConfLine =
  | { readonly kind: 'comment' }
  | { readonly kind: 'module'; readonly module: string; readonly key: ModuleKey; readonly value: string }
  | { readonly kind: 'exec'; readonly command: string }
  | { readonly kind: 'variable'; readonly name: string; readonly value: string }
  | { readonly kind: 'malformed' };

const KEYS: readonly ModuleKey[] = ['load', 'name', 'type', 'flags', 'before', 'after', 'error'];
/** A value runs to the last quote of the line; without quotes it is one word. */
const QUOTED = '"(.*)"';
const WORD = '([-A-Za-z0-9][-A-Za-z0-9_.]*)';
const MODULE = '([-A-Za-z0-9_]+)';
const VARIABLE = '([A-Za-z0-9][-A-Za-z0-9_.]*)';

interface Pattern {
  readonly match: (line: string) => RegExpExecArray | null;
  readonly make: (groups: readonly string[]) => ConfLine;
}

const PATTERNS: readonly Pattern[] = [
  ...KEYS.map(
    (key): Pattern => ({
      match: either(`${MODULE}_${key}`),
      make: ([module, value]) => ({ kind: 'module', module, key, value }),
    }),
  ),
  { match: whole(`exec\\s*=\\s*${QUOTED}`), make: ([command]) => ({ kind: 'exec', command }) },
  { match: either(VARIABLE), make: ([name, value]) => ({ kind: 'variable', name, value }) },
];

/**
 * What a line says, as stand/lua/config.lua reads it: the first pattern that fits counts, and what is behind it has to be a comment. A
 * line that only the last pattern fits is a variable, whatever its name ends in.
 */
export function parseConfLine(line: string): ConfLine {
  if (/^\s*#/.test(line)) return { kind: 'comment' };
  for (const { match, make } of PATTERNS) {
    const found = match(line);
    if (!found) continue;
    const rest = found.at(-1) ?? '';
    if (rest !== '' && !/^\s*(#|$)/.test(rest)) return { kind: 'malformed' };
    return make(found.slice(1, -1));
  }
  return { kind: 'malformed' };
}

function whole(pattern: string): (line: string) => RegExpExecArray | null {
  const expression = new RegExp(`^\\s*${pattern}\\s*(.*)`, 's');
  return (line) => expression.exec(line);
}

/** A name and its value, with quotes or, if that does not fit, without. */
function either(name: string): (line: string) => RegExpExecArray | null {
  const quoted = whole(`${name}\\s*=\\s*${QUOTED}`);
  const word = whole(`${name}\\s*=\\s*${WORD}`);
  return (line) => quoted(line) ?? word(line);
}

/** A value, or what is wrong with it, in the words of config.lua. */
export type ConfValue = { readonly value: string } | { readonly problem: string };

/** Replaces escapes, `$NAME` and `${NAME}` of a variable's value. */
export function expandConfValue(text: string, variable: (name: string) => string | undefined): ConfValue {
  let value = '';
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    const last = at === text.length - 1;
    if (char === '"') return { problem: `Stray quote at position '${at + 1}'` };
    if (char === '\\') {
      if (last) return { problem: 'Stray escape at end of line' };
      value += text[at + 1];
      at += 2;
    } else if (char === '$') {
      if (last) return { problem: 'Unescaped $ at end of line' };
      const found = /^(?:\{([^}]+)\}|([A-Za-z0-9][-A-Za-z0-9_.]*))/.exec(text.slice(at + 1));
      if (!found) return { problem: `Malformed variable expression at position '${at + 1}'` };
      value += variable(found[1] ?? found[2]) ?? '';
      at += 1 + found[0].length;
    } else {
      value += char;
      at++;
    }
  }
  return { value };
}
