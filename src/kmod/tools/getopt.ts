/**
 * Command lines as getopt_long(3) of the GNU C library takes them apart, with its messages: kmod's users know
 * both. No parser on npm gives abbreviated long options and these texts.
 */

/** A long option; `value` names what it stands for, mostly its short letter. */
export interface LongOption {
  readonly name: string;
  readonly value: string;
  readonly argument?: boolean;
}

export interface OptionTable {
  /** Short letters, each followed by ':' where it takes an argument: `aAb:`. */
  readonly short: string;
  readonly long: readonly LongOption[];
}

/** An option in the order in which it was given. */
export interface GivenOption {
  readonly value: string;
  readonly argument: string;
}

type CommandLine =
  | { readonly kind: 'ok'; readonly options: readonly GivenOption[]; readonly operands: readonly string[] }
  /** `options` holds those before the wrong one; `message` ends in a newline. */
  | { readonly kind: 'wrong'; readonly options: readonly GivenOption[]; readonly message: string };

/** Splits arguments (without the program's name) into options and operands; operands may stand between options. */
export function getopt(program: string, args: readonly string[], table: OptionTable): CommandLine {
  const parser = new Parser(program, args, table);
  return parser.parse();
}

class Parser {
  private readonly options: GivenOption[] = [];
  private readonly operands: string[] = [];
  private at = 0;

  constructor(
    private readonly program: string,
    private readonly args: readonly string[],
    private readonly table: OptionTable,
  ) {}

  parse(): CommandLine {
    while (this.at < this.args.length) {
      const arg = this.args[this.at++];
      if (arg === '--') {
        this.operands.push(...this.args.slice(this.at));
        break;
      }
      const problem = this.take(arg);
      if (problem !== undefined)
        return { kind: 'wrong', options: this.options, message: `${this.program}: ${problem}\n` };
    }
    return { kind: 'ok', options: this.options, operands: this.operands };
  }

  /** What is wrong with an argument, if anything. */
  private take(arg: string): string | undefined {
    if (arg.startsWith('--')) return this.takeLong(arg.slice(2));
    if (arg.startsWith('-') && arg.length > 1) return this.takeShort(arg.slice(1));
    this.operands.push(arg);
    return undefined;
  }

  private takeLong(text: string): string | undefined {
    const equals = text.indexOf('=');
    const word = equals < 0 ? text : text.slice(0, equals);
    const found = this.matching(word, text);
    if (typeof found === 'string') return found;
    if (equals >= 0) {
      if (!found.argument) return `option '--${found.name}' doesn't allow an argument`;
      this.options.push({ value: found.value, argument: text.slice(equals + 1) });
      return undefined;
    }
    if (!found.argument) {
      this.options.push({ value: found.value, argument: '' });
      return undefined;
    }
    if (this.at >= this.args.length) return `option '--${found.name}' requires an argument`;
    this.options.push({ value: found.value, argument: this.args[this.at++] });
    return undefined;
  }

  /** The long option that a word is, or is the unmistakable start of. */
  private matching(word: string, text: string): LongOption | string {
    const { long } = this.table;
    const exact = long.find(({ name }) => name === word);
    if (exact) return exact;
    const starting = long.filter(({ name }) => name.startsWith(word));
    if (starting.length === 0) return `unrecognized option '--${text}'`;
    const [first] = starting;
    if (starting.every(({ value, argument }) => value === first.value && argument === first.argument))
      return first;
    const names = starting.map(({ name }) => ` '--${name}'`).join('');
    return `option '--${text}' is ambiguous; possibilities:${names}`;
  }

  private takeShort(letters: string): string | undefined {
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i];
      const known = letter === ':' ? -1 : this.table.short.indexOf(letter);
      if (known < 0) return `invalid option -- '${letter}'`;
      if (this.table.short[known + 1] !== ':') {
        this.options.push({ value: letter, argument: '' });
        continue;
      }
      const rest = letters.slice(i + 1);
      if (rest === '' && this.at >= this.args.length) return `option requires an argument -- '${letter}'`;
      this.options.push({ value: letter, argument: rest === '' ? this.args[this.at++] : rest });
      return undefined;
    }
    return undefined;
  }
}
