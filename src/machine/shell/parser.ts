import { type Operator, type Token, tokenize, type Word } from './lexer.js';
import { ShellSyntaxError } from './syntax-error.js';

export interface Redirection {
  /** Descriptor of the command: 0, 1 or 2. */
  readonly descriptor: number;
  readonly mode: 'read' | 'write' | 'append' | 'duplicate';
  readonly target: Word;
}

export type Command =
  | {
      readonly kind: 'simple';
      readonly words: readonly Word[];
      readonly redirections: readonly Redirection[];
    }
  | { readonly kind: 'group'; readonly body: Script; readonly redirections: readonly Redirection[] };

export interface Pipeline {
  readonly commands: readonly Command[];
  readonly negated: boolean;
}

/** Pipelines joined by && and ||. */
export interface Chain {
  readonly first: Pipeline;
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[];
  readonly background: boolean;
}

export type Script = readonly Chain[];

/** Reads a script: commands, pipes, redirections, `&&`, `||`, `;`, `&`, `( )`. */
export function parseScript(text: string): Script {
  const parser = new Parser(tokenize(text), text.length);
  const script = parser.script();
  parser.end();
  return script;
}

class Parser {
  private at = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly length: number,
  ) {}

  script(): Script {
    const chains: Chain[] = [];
    for (;;) {
      while (this.take('\n') || this.take(';'));
      if (this.at >= this.tokens.length || this.peek() === ')') return chains;
      const chain = this.chain();
      const background = this.take('&');
      chains.push({ ...chain, background });
      if (!background && this.at < this.tokens.length && ![';', '\n', ')'].includes(this.peek() ?? ''))
        this.unexpected();
    }
  }

  end(): void {
    if (this.at < this.tokens.length) this.unexpected();
  }

  private chain(): Omit<Chain, 'background'> {
    const first = this.pipeline();
    const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = [];
    for (;;) {
      const operator = this.peek();
      if (operator !== '&&' && operator !== '||') return { first, rest };
      this.at++;
      while (this.take('\n'));
      rest.push({ operator, pipeline: this.pipeline() });
    }
  }

  private pipeline(): Pipeline {
    let negated = false;
    while (this.isWord('!')) {
      this.at++;
      negated = !negated;
    }
    const commands = [this.command()];
    while (this.take('|')) {
      while (this.take('\n'));
      commands.push(this.command());
    }
    return { commands, negated };
  }

  private command(): Command {
    if (this.take('(')) {
      const body = this.script();
      if (!this.take(')')) this.unexpected();
      return { kind: 'group', body, redirections: this.redirections() };
    }
    const words: Word[] = [];
    const redirections: Redirection[] = [];
    for (;;) {
      const token = this.tokens[this.at];
      if (token?.kind === 'word') {
        words.push(token.word);
        this.at++;
        continue;
      }
      const found = this.redirections();
      if (found.length === 0) break;
      redirections.push(...found);
    }
    if (words.length === 0 && redirections.length === 0) this.unexpected();
    return { kind: 'simple', words, redirections };
  }

  private redirections(): Redirection[] {
    const found: Redirection[] = [];
    for (;;) {
      const token = this.tokens[this.at];
      if (token?.kind !== 'operator' || !['<', '>', '>>'].includes(token.operator)) return found;
      this.at++;
      const duplicate = token.operator === '>' && this.take('&');
      const target = this.tokens[this.at];
      if (target?.kind !== 'word') this.unexpected();
      this.at++;
      const mode = duplicate
        ? 'duplicate'
        : token.operator === '<'
          ? 'read'
          : token.operator === '>'
            ? 'write'
            : 'append';
      const descriptor = token.descriptor ?? (token.operator === '<' ? 0 : 1);
      found.push({ descriptor, mode, target: (target as Token & { kind: 'word' }).word });
    }
  }

  private isWord(text: string): boolean {
    const token = this.tokens[this.at];
    if (token?.kind !== 'word' || token.word.length !== 1) return false;
    const [part] = token.word;
    return part.kind === 'text' && !part.quoted && part.text === text;
  }

  private peek(): Operator | undefined {
    const token = this.tokens[this.at];
    return token?.kind === 'operator' ? token.operator : undefined;
  }

  private take(operator: Operator): boolean {
    if (this.peek() !== operator) return false;
    this.at++;
    return true;
  }

  private unexpected(): never {
    const token = this.tokens[this.at];
    const what =
      token === undefined ? 'end of line' : token.kind === 'operator' ? `"${token.operator}"` : 'word';
    throw new ShellSyntaxError(
      `syntax error: unexpected ${what}`.replace('"\n"', 'newline'),
      token?.at ?? this.length,
    );
  }
}
