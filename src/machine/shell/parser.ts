import { type HereDocument, Lexer, type Operator, type Token } from './lexer.js';
import {
  type Assignment,
  type CaseArm,
  type Chain,
  type Command,
  type CommandBody,
  type Pipeline,
  plainText,
  type Redirection,
  type Script,
  type Word,
} from './syntax.js';
import { ShellSyntaxError } from './syntax-error.js';

const REDIRECTIONS: Partial<Record<Operator, Redirection['mode']>> = {
  '<': 'read',
  '>': 'write',
  '>|': 'write',
  '>>': 'append',
  '<>': 'update',
  '>&': 'duplicate',
  '<&': 'duplicate',
  '<<': 'here',
  '<<-': 'here',
};

/** Words that end a list of commands where a command could begin. */
const CLOSERS = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}']);
const FUNCTION_NAME = /^[A-Za-z_]\w*$/;

/** Reads a script (POSIX Shell Command Language, 2.10). Throws ShellSyntaxError. */
export function parseScript(text: string): Script {
  const parser = new Parser(new Lexer(text, readNested));
  const script = parser.script();
  parser.end();
  return script;
}

/** The script of `$(...)`: its lexer stands behind the `)` then. */
function readNested(lexer: Lexer): Script {
  const inner = new Lexer(lexer.text, readNested, lexer.at, lexer.depth);
  const parser = new Parser(inner);
  const script = parser.script();
  parser.close();
  lexer.at = inner.at;
  return script;
}

class Parser {
  private ahead: Token | undefined;

  constructor(private readonly lexer: Lexer) {}

  script(): Script {
    return this.lexer.deeper(() => {
      const chains: Chain[] = [];
      for (;;) {
        while (this.take('\n') || this.take(';'));
        if (this.atEndOfList()) return chains;
        const chain = this.chain();
        const background = this.take('&');
        chains.push({ ...chain, background });
        if (!background && !this.atEndOfList() && !['\n', ';'].includes(this.operator() ?? ''))
          this.unexpected();
      }
    });
  }

  end(): void {
    if (this.peek().kind !== 'end') this.unexpected();
  }

  /** The `)` of a substitution. Nothing behind it was read. */
  close(): void {
    if (!this.take(')')) this.unexpected();
  }

  private atEndOfList(): boolean {
    const token = this.peek();
    if (token.kind === 'end' || this.operator() === ')' || this.operator() === ';;') return true;
    return token.kind === 'word' && CLOSERS.has(plainText(token.word) ?? '');
  }

  private chain(): Omit<Chain, 'background'> {
    const first = this.pipeline();
    const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = [];
    for (;;) {
      const operator = this.operator();
      if (operator !== '&&' && operator !== '||') return { first, rest };
      this.skip();
      while (this.take('\n'));
      rest.push({ operator, pipeline: this.pipeline() });
    }
  }

  private pipeline(): Pipeline {
    let negated = false;
    while (this.takeWord('!')) negated = !negated;
    const commands = [this.command()];
    while (this.take('|')) {
      while (this.take('\n'));
      commands.push(this.command());
    }
    return { commands, negated };
  }

  private command(): Command {
    const body = this.lexer.deeper(() => this.compound());
    if (!body) return this.simple();
    const redirections: Redirection[] = [];
    for (let one = this.redirection(); one; one = this.redirection()) redirections.push(one);
    return { ...body, redirections };
  }

  private compound(): CommandBody | undefined {
    if (this.take('(')) {
      const body = this.script();
      if (!this.take(')')) this.unexpected();
      return { kind: 'subshell', body };
    }
    if (this.takeWord('{')) return { kind: 'group', body: this.upTo('}') };
    if (this.takeWord('if')) return this.conditional();
    if (this.takeWord('while')) return this.loop(false);
    if (this.takeWord('until')) return this.loop(true);
    if (this.takeWord('for')) return this.forLoop();
    if (this.takeWord('case')) return this.cases();
    return undefined;
  }

  private conditional(): CommandBody {
    const clauses = [{ test: this.upTo('then'), body: this.script() }];
    while (this.takeWord('elif')) clauses.push({ test: this.upTo('then'), body: this.script() });
    const otherwise = this.takeWord('else') ? this.script() : [];
    this.demand('fi');
    return { kind: 'if', clauses, otherwise };
  }

  private loop(until: boolean): CommandBody {
    return { kind: 'loop', until, test: this.upTo('do'), body: this.upTo('done') };
  }

  private forLoop(): CommandBody {
    const name = plainText(this.word()) ?? '';
    if (!FUNCTION_NAME.test(name))
      throw new ShellSyntaxError('syntax error: bad for loop variable', this.lexer.at);
    while (this.take('\n'));
    let words: Word[] | undefined;
    if (this.takeWord('in')) {
      words = [];
      while (this.peek().kind === 'word') words.push(this.word());
    }
    while (this.take('\n') || this.take(';'));
    this.demand('do');
    return { kind: 'for', name, words, body: this.upTo('done') };
  }

  private cases(): CommandBody {
    const word = this.word();
    while (this.take('\n'));
    this.demand('in');
    const arms: CaseArm[] = [];
    for (;;) {
      while (this.take('\n'));
      if (this.takeWord('esac')) return { kind: 'case', word, arms };
      this.take('(');
      const patterns = [this.word()];
      while (this.take('|')) patterns.push(this.word());
      if (!this.take(')')) this.unexpected();
      arms.push({ patterns, body: this.script() });
      if (this.take(';;')) continue;
      this.demand('esac');
      return { kind: 'case', word, arms };
    }
  }

  private simple(): Command {
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirections: Redirection[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind === 'word') {
        this.skip();
        const assignment = words.length === 0 ? assignmentOf(token.word) : undefined;
        if (assignment) assignments.push(assignment);
        else words.push(token.word);
        if (words.length === 1 && assignments.length === 0 && this.operator() === '(')
          return this.functionNamed(token.word);
        continue;
      }
      const found = this.redirection();
      if (!found) break;
      redirections.push(found);
    }
    if (assignments.length + words.length + redirections.length === 0) this.unexpected();
    return { kind: 'simple', assignments, words, redirections };
  }

  private functionNamed(word: Word): Command {
    const name = plainText(word);
    if (name === undefined || !FUNCTION_NAME.test(name)) this.unexpected();
    this.skip();
    if (!this.take(')')) this.unexpected();
    while (this.take('\n'));
    const body = this.command();
    if (body.kind === 'simple')
      throw new ShellSyntaxError('syntax error: a function needs { } round its body', this.lexer.at);
    return { kind: 'function', name: name as string, body, redirections: [] };
  }

  private redirection(): Redirection | undefined {
    const token = this.peek();
    if (token.kind !== 'operator') return undefined;
    const mode = REDIRECTIONS[token.operator];
    if (!mode) return undefined;
    this.skip();
    const descriptor = token.descriptor ?? (token.operator.startsWith('<') ? 0 : 1);
    const target = this.word();
    if (mode !== 'here') return { descriptor, mode, target };
    const document: HereDocument = {
      delimiter: target.map((part) => (part.kind === 'text' ? part.text : '')).join(''),
      literal: target.some((part) => part.quoted),
      stripTabs: token.operator === '<<-',
      body: [],
    };
    this.lexer.expect(document);
    // Its text is read later, when the line is over.
    return {
      descriptor,
      mode,
      get target() {
        return document.body;
      },
    };
  }

  private upTo(word: string): Script {
    const script = this.script();
    this.demand(word);
    return script;
  }

  private demand(word: string): void {
    if (!this.takeWord(word)) this.unexpected(word);
  }

  private word(): Word {
    const token = this.peek();
    if (token.kind !== 'word') this.unexpected();
    this.skip();
    return (token as Token & { kind: 'word' }).word;
  }

  private takeWord(text: string): boolean {
    const token = this.peek();
    if (token.kind !== 'word' || plainText(token.word) !== text) return false;
    this.skip();
    return true;
  }

  private operator(): Operator | undefined {
    const token = this.peek();
    return token.kind === 'operator' ? token.operator : undefined;
  }

  private take(operator: Operator): boolean {
    if (this.operator() !== operator) return false;
    this.skip();
    return true;
  }

  /** The token that comes next. It is read only when it is asked for: what a here-document is must be known before. */
  private peek(): Token {
    this.ahead ??= this.lexer.next();
    return this.ahead;
  }

  private skip(): void {
    this.ahead = undefined;
  }

  private unexpected(expected?: string): never {
    const token = this.peek();
    const what =
      token.kind === 'end'
        ? 'end of line'
        : token.kind === 'operator'
          ? token.operator === '\n'
            ? 'newline'
            : `"${token.operator}"`
          : `"${plainText(token.word) ?? 'word'}"`;
    const hint = expected === undefined ? '' : ` (expecting "${expected}")`;
    throw new ShellSyntaxError(`syntax error: unexpected ${what}${hint}`, token.at, token.kind === 'end');
  }
}

/** `FUNCTION_NAME=VALUE`, where the name and the sign are not quoted. */
function assignmentOf(word: Word): Assignment | undefined {
  const [first, ...rest] = word;
  if (first?.kind !== 'text' || first.quoted) return undefined;
  const match = /^([A-Za-z_]\w*)=/.exec(first.text);
  if (!match) return undefined;
  const text = first.text.slice(match[0].length);
  return { name: match[1], value: text === '' ? rest : [{ ...first, text }, ...rest] };
}
