import { type Answer, type ImportedFunctions, visible } from '../../index.js';
import type { Style } from '../style.js';

const HEADS: Readonly<Record<Answer['by'], string>> = {
  typescript: 'TypeScript',
  partly: 'TypeScript, in part',
  native: 'native',
  subsystem: 'native, in a subsystem',
  'set up': 'native, once what it needs is set up',
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
    case 'set up':
      return [`    ${name}: ${answer.subsystems.join(', ')}`];
    case 'nobody':
      return [`    ${name}${answer.why === '' ? '' : `: ${answer.why}`}`];
  }
}
