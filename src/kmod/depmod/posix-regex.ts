/** POSIX extended regular expressions (regcomp(3) with REG_EXTENDED) as those of JavaScript. */

const CLASSES: Readonly<Record<string, string>> = {
  alnum: 'a-zA-Z0-9',
  alpha: 'a-zA-Z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t-\\r ',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** Letters that the GNU C library knows after a backslash, and what they are in JavaScript. */
const ESCAPED: Readonly<Record<string, string>> = {
  w: '\\w',
  W: '\\W',
  s: '\\s',
  S: '\\S',
  b: '\\b',
  B: '\\B',
  '<': '\\b(?=\\w)',
  '>': '\\b(?<=\\w)',
  '`': '(?<![^])',
  "'": '(?![^])',
};

/** RE_DUP_MAX of the GNU C library. */
const MOST_REPEATS = 0x7fff;

/** The expression, or undefined where regcomp would refuse it. */
export function posixRegex(pattern: string): RegExp | undefined {
  try {
    return new RegExp(new Translator(pattern).translate(), 's');
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class Translator {
  private at = 0;
  private out = '';
  /** Where what a repetition is about starts in `out`; undefined where there is nothing to repeat. */
  private last: number | undefined;
  /** Where the groups that are open start in `out`. */
  private readonly groups: number[] = [];
  private closed = 0;

  constructor(private readonly pattern: string) {}

  translate(): string {
    while (this.at < this.pattern.length) this.step(this.pattern[this.at++]);
    if (this.groups.length > 0) throw new SyntaxError('a parenthesis that is not closed');
    return this.out;
  }

  private step(character: string): void {
    switch (character) {
      case '*':
      case '+':
      case '?':
        this.repeat(character);
        break;
      case '{':
        this.repeat(this.interval());
        break;
      case '(':
        this.groups.push(this.out.length);
        this.start('(');
        break;
      case '|':
      case '^':
        this.start(character);
        break;
      case ')':
        this.close();
        break;
      case '[':
        this.piece(this.bracket());
        break;
      case '\\':
        this.escape();
        break;
      case '.':
      case '$':
        this.piece(character);
        break;
      default:
        this.piece(literal(character));
    }
  }

  private start(text: string): void {
    this.out += text;
    this.last = undefined;
  }

  private piece(text: string): void {
    this.last = this.out.length;
    this.out += text;
  }

  private close(): void {
    const start = this.groups.pop();
    this.piece(start === undefined ? '\\)' : ')');
    if (start === undefined) return;
    this.last = start;
    this.closed++;
  }

  private repeat(operator: string): void {
    if (this.last === undefined) throw new SyntaxError('nothing to repeat');
    // A group, so that repetitions of repetitions (`a**`) are possible, and of an assertion too.
    this.out = `${this.out.slice(0, this.last)}(?:${this.out.slice(this.last)})${operator}`;
  }

  private interval(): string {
    const match = /^(\d*)(?:(,)(\d*))?\}/.exec(this.pattern.slice(this.at));
    if (!match || (match[1] === '' && match[2] === undefined)) throw new SyntaxError('a wrong interval');
    this.at += match[0].length;
    const least = Number(match[1]);
    const most =
      match[2] === undefined ? least : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (least > most || least > MOST_REPEATS || (most > MOST_REPEATS && most !== Number.POSITIVE_INFINITY))
      throw new SyntaxError('a wrong interval');
    return `{${least},${most === Number.POSITIVE_INFINITY ? '' : most}}`;
  }

  private escape(): void {
    if (this.at >= this.pattern.length) throw new SyntaxError('a backslash at the end');
    const character = this.pattern[this.at++];
    if (/[1-9]/.test(character)) this.reference(Number(character));
    else this.piece(ESCAPED[character] === undefined ? literal(character) : `(?:${ESCAPED[character]})`);
  }

  /** What a group matched; the group has to be closed before. */
  private reference(group: number): void {
    if (group > this.closed) throw new SyntaxError('a reference to no group');
    this.piece(`(?:\\${group})`);
  }

  /** From after '[' to ']'; a backslash is an ordinary character in it. */
  private bracket(): string {
    let out = '[';
    if (this.pattern[this.at] === '^') {
      out += '^';
      this.at++;
    }
    for (let first = true; ; first = false) {
      const character = this.pattern[this.at];
      if (character === undefined) throw new SyntaxError('a bracket that is not closed');
      if (character === ']' && !first) break;
      out += this.bracketItem(first);
    }
    this.at++;
    return `${out}]`;
  }

  private bracketItem(first: boolean): string {
    const named = /^\[:([a-z]*):\]/.exec(this.pattern.slice(this.at));
    if (named) {
      this.at += named[0].length;
      const set = CLASSES[named[1]];
      if (set === undefined) throw new SyntaxError('an unknown class of characters');
      return set;
    }
    if (!first && this.pattern[this.at] === '-' && this.pattern[this.at + 1] !== ']')
      throw new SyntaxError('a range that starts with the end of another');
    const from = this.bracketCharacter();
    if (this.pattern[this.at] !== '-' || [']', undefined].includes(this.pattern[this.at + 1]))
      return literal(from);
    this.at++;
    const to = this.bracketCharacter();
    return `${literal(from)}-${literal(to)}`;
  }

  private bracketCharacter(): string {
    const collating = /^\[([.=])([^])\1\]/.exec(this.pattern.slice(this.at));
    this.at += collating ? collating[0].length : 1;
    return collating ? collating[2] : this.pattern[this.at - 1];
  }
}

function literal(character: string): string {
  return /[\w]/.test(character) || character > '\x7f'
    ? character
    : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
