/** Where values of src/linux come from. */
import ts from 'typescript';

/** What a constructor assigns to a field. */
export function assignedInConstructor(declaration: ts.Declaration): ts.Expression | undefined {
  const owner = declaration.parent;
  const name = ts.getNameOfDeclaration(declaration)?.getText();
  if (!ts.isClassLike(owner)) return undefined;
  const body = owner.members.find(ts.isConstructorDeclaration)?.body;
  for (const statement of body?.statements ?? []) {
    if (!ts.isExpressionStatement(statement) || !ts.isBinaryExpression(statement.expression)) continue;
    const { left, right } = statement.expression;
    if (left.getText() === `this.${name}`) return right;
  }
  return undefined;
}

/** Arguments that each parameter is given. */
export function givenArguments(
  checker: ts.TypeChecker,
  files: readonly ts.SourceFile[],
): ReadonlyMap<ts.Node, readonly ts.Expression[]> {
  const given = new Map<ts.Node, ts.Expression[]>();
  const note = (call: ts.CallExpression | ts.NewExpression): void => {
    const declaration = checker.getResolvedSignature(call)?.declaration;
    if (!declaration || ts.isJSDocSignature(declaration)) return;
    for (const [i, argument] of (call.arguments ?? []).entries()) {
      const parameter = declaration.parameters[i];
      if (!parameter || parameter.dotDotDotToken) continue;
      const known = given.get(parameter);
      if (known) known.push(argument);
      else given.set(parameter, [argument]);
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) || ts.isNewExpression(node)) note(node);
    ts.forEachChild(node, visit);
  };
  for (const file of files) visit(file);
  return given;
}

/** What a function of src/linux that is called returns: the expressions of its return statements. */
export function returnsOf(checker: ts.TypeChecker, call: ts.CallExpression): readonly ts.Expression[] {
  const declaration = checker.getResolvedSignature(call)?.declaration;
  if (!declaration?.getSourceFile().fileName.includes('/src/linux/') || !('body' in declaration)) return [];
  const body = declaration.body;
  if (!body) return [];
  if (!ts.isBlock(body)) return [body as ts.Expression];
  return body.statements.flatMap((statement) =>
    ts.isReturnStatement(statement) && statement.expression ? [statement.expression] : [],
  );
}
