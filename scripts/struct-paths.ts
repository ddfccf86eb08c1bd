/**
 * npm run structs
 *
 * Every member that src/linux names, `k.struct('device').get(dev, 'kobj.name')`, against the types of the kernels at hand. A member
 * that one of them lacks is all right in a file that asks for members of the struct (`has`), or says why it need not
 * (`// structs: shrinker.refcount ...`); one that none of them has is wrong.
 * Structs that a kernel lacks altogether belong to what it has not.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { knownTargets } from '../src/testing/targets.js';

const ROOT = new URL('..', import.meta.url).pathname;
/** Methods of StructType by the place of the path among their arguments. */
const PATH_FIRST = new Set(['offsetOf', 'member', 'has', 'signature']);
const PATH_SECOND = new Set('get set getBig setBig addr of text setText string call bind'.split(' '));

interface Use {
  readonly struct: string;
  readonly path: string;
  readonly asks: boolean;
  readonly file: string;
  readonly line: number;
}

/** Name of the struct whose StructType an expression is, by following variables, getters and fields to `struct('name')`. */
function structOf(checker: ts.TypeChecker, node: ts.Expression, depth = 0): string | undefined {
  if (depth > 6) return undefined;
  if (ts.isCallExpression(node)) {
    const callee = node.expression;
    if (ts.isPropertyAccessExpression(callee) && callee.name.text === 'struct') {
      const [name] = node.arguments;
      return name && ts.isStringLiteral(name) ? name.text : undefined;
    }
    return undefined;
  }
  if (!ts.isIdentifier(node) && !ts.isPropertyAccessExpression(node)) return undefined;
  const symbol = checker.getSymbolAtLocation(ts.isIdentifier(node) ? node : node.name);
  for (const declaration of symbol?.declarations ?? []) {
    const made = madeBy(declaration);
    const name = made && structOf(checker, made, depth + 1);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** The expression that a variable, a field or a getter of one statement has its value from. */
function madeBy(declaration: ts.Declaration): ts.Expression | undefined {
  if (ts.isVariableDeclaration(declaration) || ts.isPropertyDeclaration(declaration))
    return declaration.initializer ?? assignedInConstructor(declaration);
  if (ts.isGetAccessorDeclaration(declaration)) {
    const [statement] = declaration.body?.statements ?? [];
    return statement && ts.isReturnStatement(statement) ? statement.expression : undefined;
  }
  return undefined;
}

function assignedInConstructor(declaration: ts.Declaration): ts.Expression | undefined {
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

function uses(program: ts.Program): { readonly found: Use[]; readonly dynamic: number } {
  const checker = program.getTypeChecker();
  const found: Use[] = [];
  let dynamic = 0;
  const visit = (file: ts.SourceFile, node: ts.Node): void => {
    ts.forEachChild(node, (child) => visit(file, child));
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
    const method = node.expression.name.text;
    const argument = node.arguments[PATH_FIRST.has(method) ? 0 : PATH_SECOND.has(method) ? 1 : -1];
    if (!argument) return;
    const struct = structOf(checker, node.expression.expression);
    if (struct === undefined) return;
    if (!ts.isStringLiteral(argument)) {
      dynamic++;
      return;
    }
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    const name = file.fileName.replace(ROOT, '');
    found.push({ struct, path: argument.text, asks: method === 'has', file: name, line: line + 1 });
  };
  for (const file of program.getSourceFiles())
    if (file.fileName.includes('/src/linux/') && !/\.test\.ts$/.test(file.fileName)) visit(file, file);
  return { found, dynamic };
}

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
const { found, dynamic } = uses(ts.createProgram(config!.fileNames, config!.options));
const types = new Map((await knownTargets()).map((target) => [target.release, target.types]));
const asked = new Set(found.filter(({ asks }) => asks).map(({ file, struct }) => `${file} ${struct}`));
const isAsked = ({ file, struct, path }: Use): boolean =>
  asked.has(`${file} ${struct}`) ||
  readFileSync(ROOT + file, 'utf8').includes(`// structs: ${struct}.${path} `);
let wrong = 0;
for (const use of found) {
  if (use.asks) continue;
  const having = [...types].filter(([, btf]) => btf.findType(use.struct) !== undefined);
  const lacking = having.filter(([, btf]) => btf.findField(use.struct, use.path) === undefined);
  const known = lacking.length < having.length;
  if (lacking.length === 0 || isAsked(use)) continue;
  wrong++;
  const where = known ? `not in ${lacking.map(([release]) => release).join(' ')}` : 'in no kernel';
  console.log(
    `${use.file}:${use.line}: ${use.struct}.${use.path}: ${where}${known ? ', and never asked for' : ''}`,
  );
}
console.log(
  `${found.length} members of ${new Set(found.map(({ struct }) => struct)).size} structs in ${types.size} kernels, ${dynamic} named at run time: ${wrong} wrong`,
);
process.exit(wrong === 0 ? 0 : 1);
