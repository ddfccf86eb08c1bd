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
