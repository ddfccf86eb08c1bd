import { ShellSyntaxError } from './syntax-error.js';

/** A piece of a word: text as it is, or a variable to put in. */
export type WordPart =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'variable'; readonly name: string; readonly quoted: boolean };

export type Word = readonly WordPart[];

export type Operator = ';' | '&' | '&&' | '||' | '|' | '<' | '>' | '>>' | '\n' | '(' | ')';

export type Token =
  | { readonly kind: 'word'; readonly word: Word; readonly at: number }
  | {
      readonly kind: 'operator';
      readonly operator: Operator;
      /** The digit before a redirection: `2>`. */
      readonly descriptor?: number;
      readonly at: number;
    };

const OPERATORS: readonly Operator[] = ['&&', '||', '>>', ';', '&', '|', '<', '>', '\n', '(', ')'];
const VARIABLE = /^(?:\{(\w+)\}|(\w+|[?$!#]))/;

/** Splits a script into words and operators (POSIX Shell Command Language, 2.3). */
export function tokenize(text: string): Token[] {
  return new Lexer(text).tokens();
}

class Lexer {
  private at = 0;

  constructor(private readonly text: string) {}

  tokens(): Token[] {
    const found: Token[] = [];
    for (;;) {
      this.skipBlanks();
      if (this.at >= this.text.length) return found;
      found.push(this.token());
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

  private token(): Token {
    const { text, at } = this;
    const redirect = /^(\d)([<>])/.exec(text.slice(at, at + 2));
    if (redirect) this.at++;
    const operator = OPERATORS.find((candidate) => text.startsWith(candidate, this.at));
    if (operator) {
      this.at += operator.length;
      return { kind: 'operator', operator, ...(redirect && { descriptor: Number(redirect[1]) }), at };
    }
    return { kind: 'word', word: this.word(), at };
  }

  private word(): Word {
    const parts: WordPart[] = [];
    const { text } = this;
    while (this.at < text.length) {
      const char = text[this.at];
      if (/[\s;&|<>()]/.test(char)) break;
      this.at++;
      if (char === "'") parts.push({ kind: 'text', text: this.until("'"), quoted: true });
      else if (char === '"') this.doubleQuoted(parts);
      else if (char === '\\') {
        if (text[this.at] !== '\n') parts.push({ kind: 'text', text: text[this.at] ?? '', quoted: true });
        this.at++;
      } else if (char === '$') this.dollar(parts, false);
      else parts.push({ kind: 'text', text: char, quoted: false });
    }
    return merge(parts);
  }

  private until(quote: string): string {
    const end = this.text.indexOf(quote, this.at);
    if (end < 0) throw new ShellSyntaxError(`unterminated quoted string`, this.at - 1);
    const inside = this.text.slice(this.at, end);
    this.at = end + 1;
    return inside;
  }

  private doubleQuoted(parts: WordPart[]): void {
    const start = this.at - 1;
    parts.push({ kind: 'text', text: '', quoted: true });
    for (;;) {
      const char = this.text[this.at++];
      if (char === undefined) throw new ShellSyntaxError('unterminated quoted string', start);
      if (char === '"') return;
      if (char === '$') this.dollar(parts, true);
      else if (char === '\\' && /["\\$`\n]/.test(this.text[this.at] ?? '')) {
        const next = this.text[this.at++];
        if (next !== '\n') parts.push({ kind: 'text', text: next, quoted: true });
      } else parts.push({ kind: 'text', text: char, quoted: true });
    }
  }

  private dollar(parts: WordPart[], quoted: boolean): void {
    const match = VARIABLE.exec(this.text.slice(this.at));
    if (!match) {
      parts.push({ kind: 'text', text: '$', quoted });
      return;
    }
    this.at += match[0].length;
    parts.push({ kind: 'variable', name: match[1] ?? match[2], quoted });
  }
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
