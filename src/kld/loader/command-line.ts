/** Longest word, its NUL included, and most words of a line (stand/common/interp_parse.c). */
const PARSE_BUFSIZE = 1024;
const MAXARGS = 20;

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  r: '\r',
  n: '\n',
  s: ' ',
  t: '\t',
  v: '\v',
  z: '',
};

/**
 * Takes a line of the loader's prompt apart: words between white space, '\' escapes, quotes of both kinds, `${NAME}`, `$(NAME)` and `$NAME`.
 * What a variable has is not taken apart again. Undefined where a quote or a variable does not end, or there is too much.
 */
export function parseCommandLine(
  line: string,
  variable: (name: string) => string | undefined,
): readonly string[] | undefined {
  const text = backslash(line);
  const words: string[] = [];
  let word = '';
  let single = false;
  let double = false;
  for (let at = 0; at < text.length; ) {
    const char = text[at];
    if (word.length >= PARSE_BUFSIZE) return undefined;
    if (char === '\\' && at + 1 < text.length) {
      word += text[at + 1];
      at += 2;
    } else if (char === "'") {
      single = !single;
      if (double) word += char;
      at++;
    } else if (char === '"') {
      double = !double;
      if (single) word += char;
      at++;
    } else if (/\s/.test(char) && !single && !double) {
      if (word !== '') words.push(word);
      word = '';
      at++;
    } else if (char === '$' && !single) {
      const end = variableAt(text, at + 1);
      if (!end) return undefined;
      word = (word + (variable(end.name) ?? '')).slice(0, PARSE_BUFSIZE - 1);
      at = end.next;
    } else {
      word += char;
      at++;
    }
    if (words.length > MAXARGS) return undefined;
  }
  if (single || double) return undefined;
  if (word !== '') words.push(word);
  return words.length > MAXARGS ? undefined : words;
}

interface NamedVariable {
  readonly name: string;
  /** Where the text goes on. */
  readonly next: number;
}

function variableAt(text: string, at: number): NamedVariable | undefined {
  const closing = text[at] === '{' ? '}' : text[at] === '(' ? ')' : undefined;
  if (closing === undefined) {
    const length = text.slice(at).search(/\s/);
    const next = length < 0 ? text.length : at + length;
    return { name: text.slice(at, next), next };
  }
  const end = text.indexOf(closing, at + 1);
  return end < 0 ? undefined : { name: text.slice(at + 1, end), next: end + 1 };
}

/** Replaces '\' escapes; those of quotes and '$' stay (stand/common/interp_backslash.c). */
function backslash(text: string): string {
  return text.replace(
    /\\(?:([0-3][0-7][0-7])|0[xX]([0-9a-fA-F]{1,2})|([\s\S])|$)/g,
    (_, octal?: string, hex?: string, char?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (char === undefined) return '\\';
      if (char === "'" || char === '"' || char === '$') return `\\${char}`;
      return ESCAPES[char] ?? char;
    },
  );
}
