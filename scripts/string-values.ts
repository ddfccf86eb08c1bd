/** Which strings an expression of src/linux may be, where its type does not tell: those of the tables, loops and calls that it comes from. */
import ts from 'typescript';
import { assignedInConstructor, returnsOf } from './declarations.js';

/** What is followed from an expression to where it is made. */
const MOST_STEPS = 12;
/** Methods of arrays whose callback is given each element first. */
const EACH = new Set('map forEach filter some every find flatMap'.split(' '));
/** Methods of arrays that return some of what is in them. */
const SAME = new Set('filter slice reverse toReversed sort toSorted concat'.split(' '));

type Value =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'node'; readonly node: ts.ArrayLiteralExpression | ts.ObjectLiteralExpression }
  | { readonly kind: 'items'; readonly items: readonly (readonly Value[])[] }
  | { readonly kind: 'pair'; readonly key: string; readonly value: readonly Value[] };

const text = (value: string): Value => ({ kind: 'text', text: value });

export class StringValues {
  constructor(
    private readonly checker: ts.TypeChecker,
    /** Arguments that each parameter is given. */
    private readonly given: ReadonlyMap<ts.Node, readonly ts.Expression[]>,
  ) {}

  /** The strings that an expression may be; none where that cannot be told of all of them. */
  of(node: ts.Expression): readonly string[] {
    const values = this.valuesOf(node, 0);
    const texts = values?.flatMap((value) => (value.kind === 'text' ? [value.text] : [])) ?? [];
    return texts.length === values?.length ? [...new Set(texts)] : [];
  }

  /** Undefined where nobody can tell. */
  private valuesOf(node: ts.Expression, steps: number): readonly Value[] | undefined {
    if (steps > MOST_STEPS) return undefined;
    const next = (one: ts.Expression): readonly Value[] | undefined => this.valuesOf(one, steps + 1);
    if (ts.isStringLiteralLike(node)) return [text(node.text)];
    if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression(node))
      return next(node.expression);
    if (ts.isNonNullExpression(node)) return next(node.expression);
    if (ts.isArrayLiteralExpression(node) || ts.isObjectLiteralExpression(node))
      return [{ kind: 'node', node }];
    if (ts.isTemplateExpression(node)) return this.ofTemplate(node, steps + 1);
    if (ts.isConditionalExpression(node)) return both(next(node.whenTrue), next(node.whenFalse));
    if (ts.isBinaryExpression(node)) return this.ofChoice(node, steps + 1);
    const literals = this.literalsOf(node);
    if (literals) return literals;
    if (ts.isCallExpression(node)) return this.ofCall(node, steps + 1);
    if (ts.isElementAccessExpression(node)) return this.everyPart(next(node.expression), steps + 1);
    if (ts.isIdentifier(node)) return this.ofSymbol(node, steps + 1);
    if (!ts.isPropertyAccessExpression(node)) return undefined;
    return (
      this.ofSymbol(node.name, steps + 1) ?? this.partOf(next(node.expression), node.name.text, steps + 1)
    );
  }

  private ofChoice(node: ts.BinaryExpression, steps: number): readonly Value[] | undefined {
    const { kind } = node.operatorToken;
    if (kind !== ts.SyntaxKind.QuestionQuestionToken && kind !== ts.SyntaxKind.BarBarToken) return undefined;
    return both(this.valuesOf(node.left, steps), this.valuesOf(node.right, steps));
  }

  /** Values of a type that is a choice of strings. */
  private literalsOf(node: ts.Expression): readonly Value[] | undefined {
    const type = this.checker.getTypeAtLocation(node);
    const members = type.isUnion() ? type.types : [type];
    if (!members.every((member) => member.isStringLiteral())) return undefined;
    return members.map((member) => text((member as ts.StringLiteralType).value));
  }

  private ofTemplate(node: ts.TemplateExpression, steps: number): readonly Value[] | undefined {
    let made = [node.head.text];
    for (const span of node.templateSpans) {
      const parts = this.valuesOf(span.expression, steps);
      if (!parts?.every((part) => part.kind === 'text')) return undefined;
      made = made.flatMap((before) => parts.map((part) => `${before}${part.text}${span.literal.text}`));
    }
    return made.map(text);
  }

  private ofCall(node: ts.CallExpression, steps: number): readonly Value[] | undefined {
    const callee = node.expression;
    if (ts.isPropertyAccessExpression(callee)) {
      const name = callee.name.text;
      if (callee.expression.getText() === 'Object' && node.arguments.length === 1)
        return this.ofObject(name, this.valuesOf(node.arguments[0], steps), steps);
      if (name === 'split') return splitUp(this.valuesOf(callee.expression, steps), node.arguments[0]);
      if (SAME.has(name)) return this.valuesOf(callee.expression, steps);
    }
    const results = returnsOf(this.checker, node);
    return results.length === 0 ? undefined : all(results.map((result) => this.valuesOf(result, steps)));
  }

  /** Object.entries() and its kin. */
  private ofObject(
    name: string,
    objects: readonly Value[] | undefined,
    steps: number,
  ): readonly Value[] | undefined {
    const items: Value[][] = [];
    for (const object of objects ?? []) {
      if (object.kind !== 'node' || !ts.isObjectLiteralExpression(object.node)) return undefined;
      for (const property of object.node.properties) {
        const key = property.name && keyOf(property.name);
        if (key === undefined) return undefined;
        const maker = valueOfProperty(property);
        const value = (maker && this.valuesOf(maker, steps)) ?? [];
        if (name === 'keys') items.push([text(key)]);
        else if (name === 'entries') items.push([{ kind: 'pair', key, value }]);
        else if (name === 'values') items.push([...value]);
        else return undefined;
      }
    }
    return objects && [{ kind: 'items', items }];
  }

  private ofSymbol(node: ts.Identifier | ts.MemberName, steps: number): readonly Value[] | undefined {
    const symbol = ts.isShorthandPropertyAssignment(node.parent)
      ? this.checker.getShorthandAssignmentValueSymbol(node.parent)
      : this.checker.getSymbolAtLocation(node);
    const target =
      symbol && symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
    const declarations = target?.declarations ?? [];
    if (declarations.length === 0) return undefined;
    return all(declarations.map((declaration) => this.ofDeclaration(declaration, steps)));
  }

  private ofDeclaration(declaration: ts.Node, steps: number): readonly Value[] | undefined {
    if (ts.isBindingElement(declaration)) return this.ofBinding(declaration, steps);
    if (ts.isParameter(declaration)) return this.ofParameter(declaration, steps);
    if (ts.isVariableDeclaration(declaration)) {
      const loop = declaration.parent.parent;
      if (ts.isForOfStatement(loop)) return this.everyPart(this.valuesOf(loop.expression, steps), steps);
      // What is assigned to later may be something else.
      const isConstant = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0;
      return isConstant && declaration.initializer
        ? this.valuesOf(declaration.initializer, steps)
        : undefined;
    }
    if (ts.isPropertyDeclaration(declaration)) {
      const isConstant = (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Readonly) !== 0;
      const maker = declaration.initializer ?? assignedInConstructor(declaration);
      return isConstant && maker ? this.valuesOf(maker, steps) : undefined;
    }
    if (ts.isPropertyAssignment(declaration)) return this.valuesOf(declaration.initializer, steps);
    if (ts.isShorthandPropertyAssignment(declaration)) return this.valuesOf(declaration.name, steps);
    return undefined;
  }

  private ofBinding(declaration: ts.BindingElement, steps: number): readonly Value[] | undefined {
    const pattern = declaration.parent;
    const owner = pattern.parent;
    const name = ts.isArrayBindingPattern(pattern)
      ? pattern.elements.indexOf(declaration)
      : (declaration.propertyName ?? declaration.name).getText();
    return this.partOf(this.ofDeclaration(owner, steps + 1), name, steps);
  }

  private ofParameter(parameter: ts.ParameterDeclaration, steps: number): readonly Value[] | undefined {
    const fn = parameter.parent;
    const call = fn.parent;
    if (ts.isCallExpression(call) && ts.isPropertyAccessExpression(call.expression)) {
      if (!EACH.has(call.expression.name.text) || fn.parameters[0] !== parameter) return undefined;
      return this.everyPart(this.valuesOf(call.expression.expression, steps), steps);
    }
    const given = this.given.get(parameter);
    if (!given) return undefined;
    const values = given.map((argument) => this.valuesOf(argument, steps));
    if (parameter.initializer) values.push(this.valuesOf(parameter.initializer, steps));
    return all(values);
  }

  /** All elements of arrays, all values of objects. */
  private everyPart(values: readonly Value[] | undefined, steps: number): readonly Value[] | undefined {
    if (!values) return undefined;
    return all(values.map((value) => this.partsOf(value, steps)));
  }

  private partsOf(value: Value, steps: number): readonly Value[] | undefined {
    if (value.kind === 'items') return value.items.flat();
    if (value.kind !== 'node') return undefined;
    if (ts.isArrayLiteralExpression(value.node))
      return all(
        value.node.elements.map((element) =>
          ts.isSpreadElement(element)
            ? this.everyPart(this.valuesOf(element.expression, steps), steps)
            : this.valuesOf(element, steps),
        ),
      );
    const makers = value.node.properties.map(valueOfProperty);
    return all(makers.map((maker) => maker && this.valuesOf(maker, steps)));
  }

  /** One member of objects, or one element of arrays. */
  private partOf(
    values: readonly Value[] | undefined,
    name: string | number,
    steps: number,
  ): readonly Value[] | undefined {
    return values && all(values.map((value) => this.namedPart(value, name, steps)));
  }

  private namedPart(value: Value, name: string | number, steps: number): readonly Value[] | undefined {
    if (value.kind === 'pair') return name === 0 ? [text(value.key)] : value.value;
    if (value.kind === 'items') return typeof name === 'number' ? value.items[name] : undefined;
    if (value.kind !== 'node') return undefined;
    const { node } = value;
    if (ts.isArrayLiteralExpression(node)) {
      const element = typeof name === 'number' ? node.elements[name] : undefined;
      return element && !ts.isSpreadElement(element) ? this.valuesOf(element, steps) : undefined;
    }
    const property = node.properties.find((one) => one.name && keyOf(one.name) === name);
    const maker = property && valueOfProperty(property);
    return maker && this.valuesOf(maker, steps);
  }
}

function all(values: readonly (readonly Value[] | undefined)[]): readonly Value[] | undefined {
  return values.every((one) => one !== undefined) ? values.flat() : undefined;
}

const both = (
  a: readonly Value[] | undefined,
  b: readonly Value[] | undefined,
): readonly Value[] | undefined => all([a, b]);

/** 'a b'.split(' ') */
function splitUp(
  values: readonly Value[] | undefined,
  separator: ts.Expression | undefined,
): readonly Value[] | undefined {
  if (!values || !separator || !ts.isStringLiteral(separator)) return undefined;
  const texts = values.flatMap((value) => (value.kind === 'text' ? value.text.split(separator.text) : []));
  return [{ kind: 'items', items: texts.map((one) => [text(one)]) }];
}

function keyOf(name: ts.PropertyName): string | undefined {
  return ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : undefined;
}

function valueOfProperty(property: ts.ObjectLiteralElementLike): ts.Expression | undefined {
  if (ts.isPropertyAssignment(property)) return property.initializer;
  return ts.isShorthandPropertyAssignment(property) ? property.name : undefined;
}
