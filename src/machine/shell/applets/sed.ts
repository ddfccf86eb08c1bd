import { linesOf } from '../../terminal.js';
import { type Applet, AppletUsageError, inputs, parseFlags } from '../applet.js';
import { compilePattern, type Match, type Pattern } from './patterns.js';

type Address =
  | { readonly kind: 'line'; readonly at: number }
  | { readonly kind: 'last' }
  | { readonly kind: 'match'; readonly pattern: Pattern };

interface Step {
  readonly from: Address | undefined;
  readonly to: Address | undefined;
  readonly negated: boolean;
  readonly action: Action;
  active: boolean;
}

type Action =
  | { readonly kind: 'p' | 'd' | 'q' | '=' | 'h' | 'H' | 'g' | 'G' | 'x' }
  | { readonly kind: 'text'; readonly place: 'a' | 'i' | 'c'; readonly text: string }
  | { readonly kind: 'y'; readonly map: ReadonlyMap<string, string> }
  | {
      readonly kind: 's';
      readonly pattern: Pattern;
      readonly by: string;
      readonly all: boolean;
      readonly nth: number;
      readonly print: boolean;
    };

export const sedApplet: Applet = {
  name: 'sed',
  usage: 'sed [-nE] [-e SCRIPT]... [SCRIPT] [FILE]...',
  summary:
    'Edits lines: s/RE/TEXT/gpi, y/AB/CD/, p, d, q, =, a, i, c, h, H, g, G, x with addresses N, $, /RE/, A,B and !.',
  *run(context) {
    // Several -e are lines of one script.
    const scripts: string[] = [];
    const rest: string[] = [];
    for (let i = 0; i < context.args.length; i++) {
      if (context.args[i] === '-e') scripts.push(context.args[++i] ?? '');
      else rest.push(context.args[i]);
    }
    const { flags, operands } = parseFlags(rest, ['n', 'E', 'r']);
    const files = scripts.length > 0 ? operands : operands.slice(1);
    if (scripts.length === 0 && operands.length === 0) throw new AppletUsageError('no script');
    const script = scripts.length > 0 ? scripts.join('\n') : operands[0];
    const steps = new SedReader(script, flags.has('E') || flags.has('r')).steps();
    const lines: string[] = [];
    let status = 0;
    for (const { bytes } of yield* inputs(context, 'sed', files)) {
      if (!bytes) status = 1;
      else for (const line of linesOf(new TextDecoder().decode(bytes))) lines.push(line);
    }
    const hold: Hold = { text: '' };
    for (const [i, line] of lines.entries())
      if (
        !edit(line, i + 1, i === lines.length - 1, steps, flags.has('n'), hold, (text) =>
          context.io.out(`${text}\n`),
        )
      )
        break;
    return status;
  },
};

/** The hold space, which stays from line to line. */
interface Hold {
  text: string;
}

/** False: no line is to follow. */
function edit(
  line: string,
  number: number,
  last: boolean,
  steps: readonly Step[],
  quiet: boolean,
  hold: Hold,
  out: (text: string) => void,
): boolean {
  let text = line;
  const after: string[] = [];
  let goesOn = true;
  let shown = !quiet;
  for (const step of steps) {
    if (applies(step, text, number, last) === step.negated) continue;
    const { action } = step;
    if (action.kind === 'p') out(text);
    else if (action.kind === '=') out(String(number));
    else if (isAboutHold(action.kind)) text = held(action.kind, text, hold);
    else if (action.kind === 'y') text = [...text].map((char) => action.map.get(char) ?? char).join('');
    else if (action.kind === 's') {
      const changed = substituted(text, action);
      if (changed !== undefined) text = changed;
      if (changed !== undefined && action.print) out(text);
    } else if (action.kind === 'text' && action.place === 'a') after.push(action.text);
    else if (action.kind === 'text') {
      out(action.text);
      if (action.place === 'c') return true;
    } else if (action.kind === 'd') {
      shown = false;
      break;
    } else {
      goesOn = false;
      break;
    }
  }
  if (shown) out(text);
  for (const one of after) out(one);
  return goesOn;
}

type HoldCommand = 'h' | 'H' | 'g' | 'G' | 'x';

function isAboutHold(kind: Action['kind']): kind is HoldCommand {
  return 'hHgGx'.includes(kind);
}

/** The pattern space after a command about the hold space. */
function held(command: HoldCommand, text: string, hold: Hold): string {
  const before = hold.text;
  switch (command) {
    case 'h':
      hold.text = text;
      return text;
    case 'H':
      hold.text = `${before}\n${text}`;
      return text;
    case 'g':
      return before;
    case 'G':
      return `${text}\n${before}`;
    case 'x':
      hold.text = text;
      return before;
  }
}

function applies(step: Step, text: string, number: number, last: boolean): boolean {
  const is = (address: Address): boolean =>
    address.kind === 'line'
      ? address.at === number
      : address.kind === 'last'
        ? last
        : address.pattern.test(text);
  if (!step.from) return true;
  if (!step.to) return is(step.from);
  if (step.active) {
    const over = step.to.kind === 'line' ? number >= step.to.at : is(step.to);
    if (over) step.active = false;
    return step.to.kind !== 'line' || number <= step.to.at;
  }
  if (!is(step.from)) return false;
  step.active = !(step.to.kind === 'line' && step.to.at <= number);
  return true;
}

/** Undefined where nothing matched. */
function substituted(
  text: string,
  { pattern, by, all, nth }: Extract<Action, { kind: 's' }>,
): string | undefined {
  let out = '';
  let end = 0;
  let count = 0;
  let changed = false;
  for (const match of pattern.all(text)) {
    if (++count < nth) continue;
    out += text.slice(end, match.at) + replacement(by, match);
    end = match.at + match.text.length;
    changed = true;
    if (!all) break;
  }
  return changed ? out + text.slice(end) : undefined;
}

function replacement(by: string, { text, groups }: Match): string {
  return by.replace(/\\(.)|&/gs, (whole, escaped?: string) => {
    if (whole === '&') return text;
    if (/[0-9]/.test(escaped as string)) return groups[Number(escaped)] ?? '';
    return escaped === 'n' ? '\n' : escaped === 't' ? '\t' : (escaped as string);
  });
}

class SedReader {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly extended: boolean,
  ) {}

  steps(): Step[] {
    const found: Step[] = [];
    for (;;) {
      while (/[\s;]/.test(this.text[this.at] ?? '')) this.at++;
      if (this.at >= this.text.length) return found;
      const from = this.address();
      let to: Address | undefined;
      if (from && this.text[this.at] === ',') {
        this.at++;
        to = this.address();
        if (!to) throw this.wrong('an address is missing');
      }
      while (this.text[this.at] === ' ') this.at++;
      const negated = this.text[this.at] === '!';
      if (negated) this.at++;
      found.push({ from, to, negated, action: this.action(), active: false });
    }
  }

  private address(): Address | undefined {
    const number = /^\d+/.exec(this.text.slice(this.at))?.[0];
    if (number !== undefined) {
      this.at += number.length;
      return { kind: 'line', at: Number(number) };
    }
    if (this.text[this.at] === '$') {
      this.at++;
      return { kind: 'last' };
    }
    if (this.text[this.at] !== '/') return undefined;
    this.at++;
    return { kind: 'match', pattern: this.pattern(this.upTo('/'), false) };
  }

  private action(): Action {
    const name = this.text[this.at++];
    if (name === 'p' || name === 'd' || name === 'q' || name === '=') return { kind: name };
    if (name === 'h' || name === 'H' || name === 'g' || name === 'G' || name === 'x') return { kind: name };
    if (name === 'a' || name === 'i' || name === 'c') {
      const end = this.text.indexOf('\n', this.at);
      const text = this.text.slice(this.at, end < 0 ? undefined : end).replace(/^\s*\\?\s*/, '');
      this.at = end < 0 ? this.text.length : end + 1;
      return { kind: 'text', place: name, text };
    }
    const separator = this.text[this.at++];
    if ((name !== 's' && name !== 'y') || separator === undefined)
      throw this.wrong(`unknown command '${name ?? ''}'`);
    const [first, second] = [this.upTo(separator), this.upTo(separator)];
    if (name === 'y') {
      const [from, to] = [[...first], [...second]];
      if (from.length !== to.length) throw this.wrong('y: lengths differ');
      return { kind: 'y', map: new Map(from.map((char, i) => [char, to[i]])) };
    }
    const flags = /^[gpiI0-9]*/.exec(this.text.slice(this.at))?.[0] ?? '';
    this.at += flags.length;
    return {
      kind: 's',
      pattern: this.pattern(first, /i/i.test(flags)),
      by: second,
      all: flags.includes('g'),
      print: flags.includes('p'),
      nth: Number(/\d+/.exec(flags)?.[0] ?? 1),
    };
  }

  private pattern(text: string, ignoreCase: boolean): Pattern {
    return compilePattern(text, { kind: this.extended ? 'extended' : 'basic', ignoreCase });
  }

  /** Up to a separator, which a backslash makes an ordinary character. */
  private upTo(separator: string): string {
    let found = '';
    for (;;) {
      const char = this.text[this.at++];
      if (char === undefined) throw this.wrong(`'${separator}' is missing`);
      if (char === separator) return found;
      if (char === '\\' && this.text[this.at] === separator) found += this.text[this.at++];
      else if (char === '\\') found += char + (this.text[this.at++] ?? '');
      else found += char;
    }
  }

  private wrong(why: string): AppletUsageError {
    return new AppletUsageError(`${why} in '${this.text}'`);
  }
}
