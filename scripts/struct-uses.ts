/** Which members of structs src/linux names, as its calls of StructType have them: for struct-paths.ts and kept-members.ts. */
import ts from 'typescript';
import { assignedInConstructor, givenArguments, returnsOf } from './declarations.js';
import { StringValues } from './string-values.js';

export const ROOT = new URL('..', import.meta.url).pathname;
/** Methods of StructType by the place of the path among their arguments. */
const PATH_FIRST = new Set(['offsetOf', 'member', 'has', 'signature']);
const PATH_SECOND = new Set('get set getBig setBig addr of text setText string call bind'.split(' '));

/** A member that a line of src/linux names. */
export interface Use {
  readonly struct: string;
  readonly path: string;
  /** Whether the line may be about other structs, or other members, too. */
  readonly oneOfMany: boolean;
  /** The method of StructType. */
  readonly method: string;
  readonly file: string;
  readonly line: number;
}

/** What is followed from the name of a StructType to where it is made. */
const MOST_STEPS = 8;

/** Names of the structs whose StructType an expression may be: variables, fields, getters, parameters are followed to `struct('name')`. */
class StructNames {
  constructor(
    private readonly checker: ts.TypeChecker,
    /** Arguments that each parameter is given. */
    private readonly given: ReadonlyMap<ts.Node, readonly ts.Expression[]>,
  ) {}

  of(node: ts.Expression, steps = 0): readonly string[] {
    if (steps > MOST_STEPS) return [];
    if (ts.isCallExpression(node)) {
      const callee = node.expression;
      if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 'struct')
        return [...new Set(returnsOf(this.checker, node).flatMap((result) => this.of(result, steps + 1)))];
      const [name] = node.arguments;
      return name ? pathsOf(this.checker, name) : [];
    }
    if (!ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node)) return [];
    const symbol = this.checker.getSymbolAtLocation(ts.isIdentifier(node) ? node : node.name);
    const made = (symbol?.declarations ?? []).flatMap((declaration) => this.makersOf(declaration));
    return [...new Set(made.flatMap((expression) => this.of(expression, steps + 1)))];
  }

  /** Expressions that what is declared has its value from. */
  private makersOf(declaration: ts.Declaration): readonly ts.Expression[] {
    if (ts.isBindingElement(declaration)) return this.makersOfProperty(declaration);
    if (ts.isParameter(declaration)) return this.given.get(declaration) ?? [];
    return madeBy(declaration) ?? [];
  }

  /** `const { type } = this`: the property of that name. */
  private makersOfProperty({ parent, name, propertyName }: ts.BindingElement): readonly ts.Expression[] {
    const { checker } = this;
    const property = checker.getTypeAtLocation(parent).getProperty((propertyName ?? name).getText());
    return (property?.declarations ?? []).flatMap((declaration) => this.makersOf(declaration));
  }
}

/** The expressions that a variable, a field or a getter of one statement has its value from. */
function madeBy(declaration: ts.Declaration): readonly ts.Expression[] | undefined {
  if (ts.isVariableDeclaration(declaration) || ts.isPropertyDeclaration(declaration)) {
    const maker = declaration.initializer ?? assignedInConstructor(declaration);
    return maker && [maker];
  }
  if (ts.isPropertyAssignment(declaration)) return [declaration.initializer];
  if (ts.isShorthandPropertyAssignment(declaration)) return [declaration.name];
  if (ts.isGetAccessorDeclaration(declaration)) {
    const [statement] = declaration.body?.statements ?? [];
    return statement && ts.isReturnStatement(statement) && statement.expression
      ? [statement.expression]
      : undefined;
  }
  return undefined;
}

/** `dynamic`: members whose names are only known when the line runs. */
export function structUses(): { readonly found: readonly Use[]; readonly dynamic: number } {
  const program = linuxProgram();
  const checker = program.getTypeChecker();
  const files = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.includes('/src/linux/') && !/\.test\.ts$/.test(fileName));
  const given = givenArguments(checker, files);
  const names = new StructNames(checker, given);
  const values = new StringValues(checker, given);
  const found: Use[] = [];
  let dynamic = 0;
  const visit = (file: ts.SourceFile, node: ts.Node): void => {
    ts.forEachChild(node, (child) => visit(file, child));
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const method = node.expression.name.text;
    const argument = node.arguments[PATH_FIRST.has(method) ? 0 : PATH_SECOND.has(method) ? 1 : -1];
    if (!argument) return;
    const structs = names.of(node.expression.expression);
    if (structs.length === 0) return;
    const told = pathsOf(checker, argument);
    // Tables have members of several structs: which are of which they say in their own way.
    const paths = told.length > 0 || structs.length > 1 ? told : values.of(argument);
    if (paths.length === 0) dynamic++;
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    const name = file.fileName.replace(ROOT, '');
    for (const struct of structs)
      for (const path of paths)
        found.push({
          struct,
          path,
          oneOfMany: structs.length * paths.length > 1,
          method,
          file: name,
          line: line + 1,
        });
  };
  for (const file of files) visit(file, file);
  return { found, dynamic };
}

function linuxProgram(): ts.Program {
  const config = ts.getParsedCommandLineOfConfigFile(
    `${ROOT}tsconfig.json`,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(String(diagnostic.messageText));
      },
    },
  );
  return ts.createProgram(config!.fileNames, config!.options);
}

/** The strings that an argument may be; none where its type does not tell. */
function pathsOf(checker: ts.TypeChecker, argument: ts.Expression): readonly string[] {
  if (ts.isStringLiteral(argument)) return [argument.text];
  if (ts.isConditionalExpression(argument))
    return [...pathsOf(checker, argument.whenTrue), ...pathsOf(checker, argument.whenFalse)];
  if (ts.isCallExpression(argument)) {
    const results = returnsOf(checker, argument);
    if (results.length > 0) return results.flatMap((result) => pathsOf(checker, result));
  }
  const type = checker.getTypeAtLocation(argument);
  const members = type.isUnion() ? type.types : [type];
  return members.every((member) => member.isStringLiteral())
    ? members.map((member) => (member as ts.StringLiteralType).value)
    : [];
}
