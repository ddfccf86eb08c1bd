/** An expression that means nothing, or a division by zero. */
export class ArithmeticError extends Error {
  override readonly name = 'ArithmeticError';
}

/** The shell's variables, as expressions see them. */
export interface Variables {
  get(name: string): string;
  set(name: string, value: string): void;
}

const TOKEN =
  /\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|<<=|>>=|&&|\|\||<<|>>|[<>=!+\-*/%&|^]=|[-+*/%<>=!~&|^?:()])/y;

const BINARY: Readonly<Record<string, readonly [level: number, apply: (a: bigint, b: bigint) => bigint]>> = {
  '||': [1, (a, b) => truth(a !== 0n || b !== 0n)],
  '&&': [2, (a, b) => truth(a !== 0n && b !== 0n)],
  '|': [3, (a, b) => a | b],
  '^': [4, (a, b) => a ^ b],
  '&': [5, (a, b) => a & b],
  '==': [6, (a, b) => truth(a === b)],
  '!=': [6, (a, b) => truth(a !== b)],
  '<': [7, (a, b) => truth(a < b)],
  '<=': [7, (a, b) => truth(a <= b)],
  '>': [7, (a, b) => truth(a > b)],
  '>=': [7, (a, b) => truth(a >= b)],
  '<<': [8, (a, b) => a << (b & 63n)],
  '>>': [8, (a, b) => a >> (b & 63n)],
  '+': [9, (a, b) => a + b],
  '-': [9, (a, b) => a - b],
  '*': [10, (a, b) => a * b],
  '/': [10, (a, b) => a / nonZero(b)],
  '%': [10, (a, b) => a % nonZero(b)],
};

const MOST_NESTED = 200;

/** The value of `$(( TEXT ))`: integers of 64 bits. Throws ArithmeticError. */
export function evaluate(text: string, variables: Variables): bigint {
  return new Evaluator(text, variables).whole();
}

class Evaluator {
  private readonly tokens: string[] = [];
  private at = 0;
  private depth = 0;
  /** More than 0: in a branch that is not taken, which changes nothing. */
  private skipping = 0;

  constructor(
    private readonly text: string,
    private readonly variables: Variables,
  ) {
    for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.trimEnd().length; ) {
      const token = TOKEN.exec(text)?.[1];
      if (token === undefined) throw this.wrong();
      this.tokens.push(token);
    }
  }

  whole(): bigint {
    if (this.tokens.length === 0) return 0n;
    const value = this.assignment();
    if (this.at < this.tokens.length) throw this.wrong();
    return value;
  }

  private assignment(): bigint {
    if (++this.depth > MOST_NESTED) throw this.wrong();
    const [name, operator] = this.tokens.slice(this.at, this.at + 2);
    let value: bigint;
    if (name !== undefined && /^[A-Za-z_]/.test(name) && /^(?:[+\-*/%&|^]|<<|>>)?=$/.test(operator ?? '')) {
      this.at += 2;
      value = this.assignment();
      if (operator !== '=') value = this.apply(operator.slice(0, -1), this.variable(name), value);
      if (this.skipping === 0) this.variables.set(name, String(value));
    } else value = this.conditional();
    this.depth--;
    return value;
  }

  private conditional(): bigint {
    const test = this.binary(1);
    if (!this.take('?')) return test;
    const yes = this.branch(test === 0n, () => this.assignment());
    if (!this.take(':')) throw this.wrong();
    const no = this.branch(test !== 0n, () => this.assignment());
    return test === 0n ? no : yes;
  }

  private binary(level: number): bigint {
    let left = this.unary();
    for (;;) {
      const operator = this.tokens[this.at];
      const found = BINARY[operator];
      if (!found || found[0] < level) return left;
      this.at++;
      const decided = (operator === '&&' && left === 0n) || (operator === '||' && left !== 0n);
      const right = this.branch(decided, () => this.binary(found[0] + 1));
      left = this.apply(operator, left, right);
    }
  }

  private apply(operator: string, a: bigint, b: bigint): bigint {
    if (this.skipping > 0) return 0n;
    return BigInt.asIntN(64, BINARY[operator][1](a, b));
  }

  private branch(skip: boolean, read: () => bigint): bigint {
    if (skip) this.skipping++;
    const value = read();
    if (skip) this.skipping--;
    return value;
  }

  private unary(): bigint {
    const signs: string[] = [];
    while (['+', '-', '!', '~'].includes(this.tokens[this.at])) signs.push(this.tokens[this.at++]);
    let value = this.primary();
    for (const sign of signs.reverse()) {
      if (sign === '-') value = BigInt.asIntN(64, -value);
      if (sign === '!') value = truth(value === 0n);
      if (sign === '~') value = ~value;
    }
    return value;
  }

  private primary(): bigint {
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.wrong();
    if (token === '(') {
      const value = this.assignment();
      if (!this.take(')')) throw this.wrong();
      return value;
    }
    if (/^[A-Za-z_]/.test(token)) return this.variable(token);
    return this.number(token);
  }

  private variable(name: string): bigint {
    const text = this.variables.get(name).trim();
    return text === '' ? 0n : this.number(text);
  }

  private number(text: string): bigint {
    const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.exec(text);
    if (!match) throw new ArithmeticError(`arithmetic expression: '${text}' is no number`);
    const digits = /^0[0-7]+$/.test(match[2]) ? `0o${match[2].slice(1)}` : match[2];
    return BigInt.asIntN(64, match[1] === '-' ? -BigInt(digits) : BigInt(digits));
  }

  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private wrong(): ArithmeticError {
    return new ArithmeticError(`arithmetic expression: syntax error: "${this.text}"`);
  }
}

function truth(value: boolean): bigint {
  return value ? 1n : 0n;
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new ArithmeticError('arithmetic expression: division by zero');
  return value;
}
