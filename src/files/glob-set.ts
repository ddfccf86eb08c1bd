/** A set of a shell pattern, `[a-z[:digit:]]`. */
interface GlobSet {
  readonly matches: (char: string) => boolean;
  /** Where the pattern goes on behind it. */
  readonly next: number;
}

const CLASSES: ReadonlyMap<string, RegExp> = new Map([
  ['alnum', /[A-Za-z0-9]/],
  ['alpha', /[A-Za-z]/],
  ['blank', /[ \t]/],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the class of control characters
  ['cntrl', /[\x00-\x1f\x7f]/],
  ['digit', /[0-9]/],
  ['graph', /[!-~]/],
  ['lower', /[a-z]/],
  ['print', /[ -~]/],
  ['punct', /[!-/:-@[-`{-~]/],
  ['space', /[ \t-\r]/],
  ['upper', /[A-Z]/],
  ['xdigit', /[0-9A-Fa-f]/],
]);

/** The set that begins at `[`; undefined where it has no end, and is then just a bracket. */
export function parseGlobSet(pattern: string, start: number): GlobSet | undefined {
  return new SetParser(pattern, start + 1).parse();
}

class SetParser {
  private readonly tests: ((char: string) => boolean)[] = [];

  constructor(
    private readonly pattern: string,
    private at: number,
  ) {}

  parse(): GlobSet | undefined {
    const { pattern } = this;
    const inverted = pattern[this.at] === '!' || pattern[this.at] === '^';
    if (inverted) this.at++;
    const first = this.at;
    while (pattern[this.at] !== ']' || this.at === first) {
      if (this.at >= pattern.length) return undefined;
      if (this.takeClass()) continue;
      const low = this.character();
      const high = this.rangeEnd() ?? low;
      if (low === undefined || high === undefined) return undefined;
      this.tests.push((char) => char >= low && char <= high);
    }
    const { tests } = this;
    return { matches: (char) => tests.some((test) => test(char)) !== inverted, next: this.at + 1 };
  }

  /** `[:alpha:]`. One that does not exist holds nothing. */
  private takeClass(): boolean {
    const match = /^\[:([a-z]+):\]/.exec(this.pattern.slice(this.at, this.at + 16));
    if (!match) return false;
    this.at += match[0].length;
    const known = CLASSES.get(match[1]);
    if (known) this.tests.push((char) => known.test(char));
    return true;
  }

  /** A character, as it is, behind a backslash, or as `[.x.]` or `[=x=]`. */
  private character(): string | undefined {
    const { pattern } = this;
    const named = /^\[([.=])(.)\1\]/.exec(pattern.slice(this.at, this.at + 5));
    if (named) {
      this.at += named[0].length;
      return named[2];
    }
    if (pattern[this.at] === '\\') this.at++;
    return pattern[this.at++];
  }

  private rangeEnd(): string | undefined {
    const { pattern } = this;
    if (pattern[this.at] !== '-' || pattern[this.at + 1] === ']' || this.at + 1 >= pattern.length)
      return undefined;
    this.at++;
    return this.character();
  }
}
