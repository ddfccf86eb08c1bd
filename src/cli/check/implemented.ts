import { visible } from '../../formats/visible-text.js';
import { moduleOf } from '../../kmod/open-module.js';
import { LinuxKernel } from '../../linux/kernel.js';
import { type Answer, Coverage } from '../../linux/native/coverage.js';
import type { Target } from '../../target/index.js';
import type { Style } from '../style.js';
import type { FileToCheck } from './inputs.js';

/** What answers when a module calls what it imports. */
export interface ImportedFunctions {
  readonly module: string;
  readonly target: string;
  readonly functions: readonly { readonly name: string; readonly answer: Answer }[];
  /** Imports that are no functions of the kernel: of other modules, variables, and what nobody has. */
  readonly others: readonly string[];
}

/** Who answers for the functions of a kernel that modules import. A kernel is booted for it, and one for each native subsystem. */
export function importedFunctions(files: readonly FileToCheck[], target: Target): ImportedFunctions[] {
  const coverage = new Coverage(new LinuxKernel(target), () => new LinuxKernel(target));
  return files.map((file) => {
    const names = [...moduleOf(file.read(), file.path).undefinedSymbols()].map(({ name }) => name).sort();
    const isFunction = (name: string): boolean => target.exports.get(name)?.kind === 'function';
    return {
      module: file.path,
      target: target.name,
      functions: names.filter(isFunction).map((name) => ({ name, answer: coverage.of(name) })),
      others: names.filter((name) => !isFunction(name)),
    };
  });
}

const HEADS: Readonly<Record<Answer['by'], string>> = {
  typescript: 'TypeScript',
  partly: 'TypeScript, in part',
  native: 'native',
  subsystem: 'native, in a subsystem',
  nobody: 'missing',
};

/** What a person reads of it: a line for each kind, and why for those that are missing or there in part. */
export function implementedText({ module, target, functions }: ImportedFunctions, style: Style): string {
  const lines = (Object.keys(HEADS) as Answer['by'][]).flatMap((by) => {
    const found = functions.filter(({ answer }) => answer.by === by);
    if (found.length === 0) return [];
    const head = `  ${HEADS[by]}: ${found.length} of ${functions.length}`;
    return [head, ...found.flatMap(({ name, answer }) => detail(name, answer))];
  });
  const all = functions.every(({ answer }) => answer.by !== 'nobody');
  const verdict = all
    ? style.green('every function that it imports is there')
    : style.red('not all is there');
  return `${style.bold(visible(module))} on ${target}: ${verdict}\n${lines.map((line) => `${line}\n`).join('')}`;
}

function detail(name: string, answer: Answer): string[] {
  switch (answer.by) {
    case 'typescript':
    case 'native':
      return [];
    case 'partly':
      return [`    ${name}: ${answer.limit}`];
    case 'subsystem':
      return [`    ${name}: ${answer.subsystem}`];
    case 'nobody':
      return [`    ${name}${answer.why === '' ? '' : `: ${answer.why}`}`];
  }
}
