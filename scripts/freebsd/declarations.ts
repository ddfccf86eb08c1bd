import type { Compiler } from './compiler.js';

/** A function that a header declares and does not define. */
export interface DeclaredFunction {
  readonly name: string;
  /** Names of its parameters, empty where the header names none. */
  readonly parameters: readonly string[];
}

export interface Declarations {
  readonly functions: ReadonlyMap<string, DeclaredFunction>;
  /** Names of variables with external linkage. */
  readonly variables: ReadonlySet<string>;
}

/**
 * What a file declares with external linkage, from clang's -ast-dump: at depth one FunctionDecl and VarDecl, a function's
 * ParmVarDecl below it. Functions that are defined in the headers (inline) are not among them.
 */
export async function declarationsOf(compiler: Compiler, source: string): Promise<Declarations> {
  const functions = new Map<string, DeclaredFunction>();
  const variables = new Set<string>();
  const own = new Set<string>();
  let current: { name: string; parameters: string[] } | undefined;
  const close = (): void => {
    if (!current) return;
    const known = functions.get(current.name);
    // A later declaration may name what an earlier one does not.
    if (!known || named(current.parameters) > named(known.parameters)) functions.set(current.name, current);
    current = undefined;
  };
  for await (const line of compiler.lines([
    '-fsyntax-only',
    '-Xclang',
    '-ast-dump',
    '-fno-color-diagnostics',
    source,
  ])) {
    const top = /^[|`]-(\w+) /.exec(line);
    if (!top) {
      if (current && /^[| ] [|`]-ParmVarDecl /.test(line)) current.parameters.push(nameIn(line));
      if (current && /^[| ] [|`]-CompoundStmt /.test(line)) own.add(current.name);
      continue;
    }
    close();
    if (top[1] !== 'FunctionDecl' && top[1] !== 'VarDecl') continue;
    const name = nameIn(line);
    if (name === '' || line.includes(' implicit ')) continue;
    const specifiers = line.slice(line.lastIndexOf("'") + 1).split(' ');
    if (specifiers.includes('static') || specifiers.includes('inline')) own.add(name);
    else if (top[1] === 'VarDecl') variables.add(name);
    else current = { name, parameters: [] };
  }
  close();
  for (const name of own) {
    functions.delete(name);
    variables.delete(name);
  }
  return { functions, variables };
}

const named = (parameters: readonly string[]): number => parameters.filter((name) => name !== '').length;

/** The word before the type in quotes; where there is none, a place stands there, which has other characters than a name. */
function nameIn(line: string): string {
  const word = line.slice(0, line.indexOf(" '")).split(' ').at(-1) ?? '';
  return /^[A-Za-z_]\w*$/.test(word) ? word : '';
}
