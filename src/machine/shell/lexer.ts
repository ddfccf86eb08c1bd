import type { Modifier, Script, Word, WordPart } from './syntax.js';
import { ShellSyntaxError } from './syntax-error.js';

const OPERATORS = [
  '<<-',
  '&&',
  '||',
  ';;',
  '>>',
  '<<',
  '<>',
  '>|',
  '>&',
  '<&',
  ';',
  '&',
  '|',
  '<',
  '>',
  '\n',
  '(',
  ')',
] as const;

export type Operator = (typeof OPERATORS)[number];

export type Token =
  | { readonly kind: 'word'; readonly word: Word; readonly at: number }
  | {
      readonly kind: 'operator';
      readonly operator: Operator;
      /** The digit before a redirection: `2>`. */
      readonly descriptor?: number;
      readonly at: number;
    }
  | { readonly kind: 'end'; readonly at: number };

/** A here-document whose text begins behind the next newline. */
export interface HereDocument {
  readonly delimiter: string;
  /** Its delimiter was quoted: nothing is put in. */
  readonly literal: boolean;
  /** `<<-`: tabs at the beginning of lines go away. */
  readonly stripTabs: boolean;
  body: Word;
}

/** Reads the script of a command substitution, and where it ends. */
export type ReadNested = (lexer: Lexer) => Script;

/** Depth to which quotes, substitutions and compound commands may be nested: the host's stack has an end. */
export const MOST_SUBSTITUTIONS = 100;

const NAME = /[A-Za-z_]\w*|[0-9]+|[?$!#@*-]/y;
const BARE_NAME = /[A-Za-z_]\w*|[0-9?$!#@*-]/y;
const MODIFIER = /:?[-=?+]|##?|%%?/y;

/** Splits a script into words and operators, one at a time (POSIX Shell Command Language, 2.3). */
export class Lexer {
  private readonly awaited: HereDocument[] = [];

  constructor(
    readonly text: string,
    private readonly nested: ReadNested,
    public at = 0,
    public depth = 0,
  ) {}

  next(): Token {
    this.skipBlanks();
    const { text, at } = this;
    if (at >= text.length) {
      this.readHereDocuments();
      return { kind: 'end', at };
    }
    const redirect = /^\d[<>]/.test(text.slice(at, at + 2));
    if (redirect) this.at++;
    const operator = OPERATORS.find((candidate) => text.startsWith(candidate, this.at));
    if (!operator) return { kind: 'word', word: this.word(/[ \t\r\n;&|<>()]/), at };
    this.at += operator.length;
    if (operator === '\n') this.readHereDocuments();
    return { kind: 'operator', operator, ...(redirect && { descriptor: Number(text[at]) }), at };
  }

  /** A here-document follows the line that is being read. */
  expect(document: HereDocument): void {
    this.awaited.push(document);
  }

  deeper<T>(read: () => T): T {
    if (++this.depth > MOST_SUBSTITUTIONS)
      throw new ShellSyntaxError('syntax error: nested too deep', this.at);
    try {
      return read();
    } finally {
      this.depth--;
    }
  }

  private skipBlanks(): void {
    const { text } = this;
    for (;;) {
      if (text[this.at] === ' ' || text[this.at] === '\t' || text[this.at] === '\r') this.at++;
      else if (text.startsWith('\\\n', this.at)) this.at += 2;
      else if (text[this.at] === '#') while (this.at < text.length && text[this.at] !== '\n') this.at++;
      else return;
    }
  }

  /** A word, up to what ends it outside of quotes. */
  private word(end: RegExp): Word {
    const parts: WordPart[] = [];
    const { text } = this;
    while (this.at < text.length) {
      const char = text[this.at];
      if (end.test(char)) break;
      this.at++;
      if (char === "'") parts.push({ kind: 'text', text: this.until("'"), quoted: true });
      else if (char === '"') {
        const start = this.at - 1;
        parts.push({ kind: 'text', text: '', quoted: true });
        this.deeper(() => this.expanded(parts, '"', start));
      } else if (char === '\\') {
        if (text[this.at] !== '\n') parts.push({ kind: 'text', text: text[this.at] ?? '', quoted: true });
        this.at++;
      } else if (char === '$') this.dollar(parts, false);
      else if (char === '`') this.backQuoted(parts, false);
      else parts.push({ kind: 'text', text: char, quoted: false });
    }
    return merge(parts);
  }

  private until(quote: string): string {
    const end = this.text.indexOf(quote, this.at);
    if (end < 0) throw new ShellSyntaxError('unterminated quoted string', this.at - 1, true);
    const inside = this.text.slice(this.at, end);
    this.at = end + 1;
    return inside;
  }

  /** What is between double quotes, in a here-document or in an arithmetic expression. */
  private expanded(parts: WordPart[], end: '"' | undefined, start: number): void {
    for (;;) {
      const char = this.text[this.at++];
      if (char === undefined && end === undefined) return;
      if (char === undefined) throw new ShellSyntaxError('unterminated quoted string', start, true);
      if (char === end) return;
      if (char === '$') this.dollar(parts, true);
      else if (char === '`') this.backQuoted(parts, true);
      else if (char === '\\' && (end ? /["\\$`\n]/ : /[\\$`\n]/).test(this.text[this.at] ?? '')) {
        const next = this.text[this.at++];
        if (next !== '\n') parts.push({ kind: 'text', text: next, quoted: true });
      } else parts.push({ kind: 'text', text: char, quoted: true });
    }
  }

  private dollar(parts: WordPart[], quoted: boolean): void {
    const { text } = this;
    if (text.startsWith('((', this.at)) {
      const end = closingOfArithmetic(text, this.at + 2);
      if (end !== undefined) {
        const expression = this.textWord(text.slice(this.at + 2, end));
        this.at = end + 2;
        parts.push({ kind: 'arithmetic', expression, quoted });
        return;
      }
    }
    if (text[this.at] === '(') {
      this.at++;
      parts.push({ kind: 'command', script: this.deeper(() => this.nested(this)), quoted });
    } else if (text[this.at] === '{') this.deeper(() => this.braced(parts, quoted));
    else {
      const name = this.match(BARE_NAME);
      parts.push(
        name === undefined ? { kind: 'text', text: '$', quoted } : { kind: 'parameter', name, quoted },
      );
    }
  }

  /** `${NAME}`, `${#NAME}`, `${NAME:-WORD}`, ... */
  private braced(parts: WordPart[], quoted: boolean): void {
    const start = this.at - 1;
    this.at++;
    const length = this.text[this.at] === '#' && this.text[this.at + 1] !== '}';
    if (length) this.at++;
    const name = this.match(NAME);
    if (name === undefined) throw new ShellSyntaxError('bad substitution', start);
    const operator = length ? undefined : this.match(MODIFIER);
    let modifier: Modifier | undefined;
    if (operator !== undefined) {
      const word = this.word(/\}/);
      const pattern = operator.startsWith('#') || operator.startsWith('%');
      modifier = { operator, word: quoted && !pattern ? word.map((part) => ({ ...part, quoted })) : word };
    }
    if (this.at >= this.text.length) throw new ShellSyntaxError('bad substitution', start, true);
    if (this.text[this.at] !== '}') throw new ShellSyntaxError('bad substitution', start);
    this.at++;
    parts.push({ kind: 'parameter', name, quoted, ...(length && { length }), ...(modifier && { modifier }) });
  }

  private backQuoted(parts: WordPart[], quoted: boolean): void {
    const start = this.at - 1;
    let inside = '';
    for (;;) {
      const char = this.text[this.at++];
      if (char === undefined) throw new ShellSyntaxError('unterminated back quote', start, true);
      if (char === '`') break;
      const escapes = quoted ? /["\\$`]/ : /[\\$`]/;
      if (char === '\\' && escapes.test(this.text[this.at] ?? '')) inside += this.text[this.at++];
      else inside += char;
    }
    const lexer = new Lexer(`${inside}\n)`, this.nested, 0, this.depth);
    parts.push({ kind: 'command', script: lexer.deeper(() => this.nested(lexer)), quoted });
  }

  private textWord(text: string): Word {
    const parts: WordPart[] = [];
    const lexer = new Lexer(text, this.nested, 0, this.depth);
    lexer.deeper(() => lexer.expanded(parts, undefined, 0));
    return merge(parts);
  }

  private readHereDocuments(): void {
    for (const document of this.awaited.splice(0)) {
      let body = '';
      for (;;) {
        if (this.at >= this.text.length)
          throw new ShellSyntaxError(`here-document without its '${document.delimiter}'`, this.at, true);
        const end = this.text.indexOf('\n', this.at);
        let line = this.text.slice(this.at, end < 0 ? undefined : end);
        this.at = end < 0 ? this.text.length : end + 1;
        if (document.stripTabs) line = line.replace(/^\t+/, '');
        if (line === document.delimiter) break;
        body += `${line}\n`;
      }
      document.body = document.literal ? [{ kind: 'text', text: body, quoted: true }] : this.textWord(body);
    }
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }
}

/** Where the `))` is that ends an arithmetic expression; undefined if it is a subshell in a command substitution. */
function closingOfArithmetic(text: string, from: number): number | undefined {
  let open = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '(') open++;
    else if (text[at] === ')' && open > 0) open--;
    else if (text[at] === ')') return text[at + 1] === ')' ? at : undefined;
  }
  return undefined;
}

function merge(parts: readonly WordPart[]): Word {
  const merged: WordPart[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (part.kind === 'text' && last?.kind === 'text' && last.quoted === part.quoted)
      merged[merged.length - 1] = { ...last, text: last.text + part.text };
    else merged.push(part);
  }
  return merged;
}
