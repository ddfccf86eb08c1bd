import ts from 'typescript';

export interface SourceText {
  readonly name: string;
  readonly text: string;
}

/** A constant at the top of a file. */
export interface Definition {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly exported: boolean;
  /** Equal texts are equal values: a number however it is written, else the expression as it stands. */
  readonly value: string;
  /** Why it may stand here though it stands elsewhere: what its `// constants: NAME` says. */
  readonly excuse: string | undefined;
}

const NAME = /^[A-Z][A-Z0-9_]+$/;
const EXCUSE = /^\s*\/\/ constants: (\w+) (.*)$/gm;

type Values = Map<string, bigint>;

/** The constants with UPPER_CASE names of some files. */
export function definitions(files: readonly SourceText[]): Definition[] {
  return files.flatMap(ofFile);
}

function ofFile({ name: file, text }: SourceText): Definition[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const excuses = new Map([...text.matchAll(EXCUSE)].map(([, name, why]) => [name, why]));
  const values: Values = new Map();
  const found: Definition[] = [];
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const exported = statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (
        !ts.isIdentifier(name) ||
        !initializer ||
        !NAME.test(name.text) ||
        /^new\b/.test(initializer.getText())
      )
        continue;
      const number = evaluate(initializer, values);
      if (number !== undefined) values.set(name.text, number);
      found.push({
        name: name.text,
        file,
        line: source.getLineAndCharacterOfPosition(name.getStart()).line + 1,
        exported,
        value: number?.toString() ?? initializer.getText().replace(/\s+/g, ' '),
        excuse: excuses.get(name.text),
      });
    }
  }
  return found;
}

/** The whole number that an expression of literals and constants above it stands for; undefined where it is something else. */
function evaluate(node: ts.Expression, values: Values): bigint | undefined {
  if (ts.isParenthesizedExpression(node)) return evaluate(node.expression, values);
  if (ts.isIdentifier(node)) return values.get(node.text);
  if (ts.isBigIntLiteral(node)) return BigInt(node.text.replace(/_|n$/g, ''));
  if (ts.isNumericLiteral(node))
    return Number.isInteger(Number(node.text)) ? BigInt(Number(node.text)) : undefined;
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const operand = evaluate(node.operand, values);
    return operand === undefined ? undefined : -operand;
  }
  if (!ts.isBinaryExpression(node)) return undefined;
  const left = evaluate(node.left, values);
  const right = evaluate(node.right, values);
  return left === undefined || right === undefined
    ? undefined
    : compute(node.operatorToken.kind, left, right);
}

function compute(operator: ts.BinaryOperator, left: bigint, right: bigint): bigint | undefined {
  switch (operator) {
    case ts.SyntaxKind.PlusToken:
      return left + right;
    case ts.SyntaxKind.MinusToken:
      return left - right;
    case ts.SyntaxKind.AsteriskToken:
      return left * right;
    case ts.SyntaxKind.BarToken:
      return left | right;
    case ts.SyntaxKind.LessThanLessThanToken:
      return right >= 0n && right < 128n ? left << right : undefined;
    case ts.SyntaxKind.AsteriskAsteriskToken:
      return right >= 0n && right < 128n ? left ** right : undefined;
    default:
      return undefined;
  }
}
