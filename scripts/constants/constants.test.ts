import { expect, it } from 'vitest';
import { wrongConstants } from './check.js';
import { definitions } from './definitions.js';

const wrong = (
  files: Readonly<Record<string, string>>,
  enumerators: Readonly<Record<string, string[]>> = {},
): string[] =>
  wrongConstants(
    definitions(Object.entries(files).map(([name, text]) => ({ name, text }))),
    (name) => enumerators[name],
  );

it('finds a constant that two files define, however its value is written', () => {
  expect(
    wrong({ 'a.ts': 'const PAGE_SIZE = 4096;', 'b.ts': '\nexport const PAGE_SIZE: number = 1 << 0xc;' }),
  ).toEqual(['src/b.ts:2: PAGE_SIZE = 4096 is at src/a.ts:1 too']);
  expect(
    wrong({ 'a.ts': 'const SHIFT = 12;\nconst SIZE = 1n << SHIFT;', 'b.ts': 'const SIZE = 4_096;' }),
  ).toEqual(['src/b.ts:1: SIZE = 4096 is at src/a.ts:2 too']);
  expect(wrong({ 'a.ts': "const NAMES = ['a', 'b'];", 'b.ts': "const NAMES = ['a',\n 'b'];" })).toHaveLength(
    1,
  );
});

it('finds a name with two values, if it is exported or of several words', () => {
  expect(wrong({ 'a.ts': 'const MAX_DEPTH = 16;', 'b.ts': 'const MAX_DEPTH = 200;' })).toEqual([
    'src/b.ts:1: MAX_DEPTH is 200 here, and 16 at src/a.ts:1',
  ]);
  expect(wrong({ 'a.ts': 'export const WORD = 8;', 'b.ts': 'const WORD = 4;' })).toHaveLength(1);
});

it('leaves private words of a file, and what says why it stands there', () => {
  expect(wrong({ 'a.ts': 'const END = 1;', 'b.ts': 'const END = 2;' })).toEqual([]);
  expect(
    wrong({
      'a.ts': 'const KEY_SIZE = 1;',
      'b.ts': '// constants: KEY_SIZE of another key\nconst KEY_SIZE = 2;',
    }),
  ).toEqual([]);
  expect(
    wrong({ 'a.ts': 'const KEY_SIZE = 1;', 'b.ts': '// constants: KEY\nconst KEY_SIZE = 1;' }),
  ).toHaveLength(1);
});

it('finds what the target is to be asked for', () => {
  const kernels = { TCP_CLOSE: ['6.1: 7', '6.12: 7'] };
  expect(wrong({ 'linux/a.ts': 'const TCP_CLOSE = 7;' }, kernels)).toEqual([
    'src/linux/a.ts:1: TCP_CLOSE = 7: ask the target for the enumerator (6.1: 7, 6.12: 7)',
  ]);
  expect(wrong({ 'machine/a.ts': 'const TCP_CLOSE = 7;' }, kernels)).toEqual([]);
});
