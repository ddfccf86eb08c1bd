import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { posixRegex } from './posix-regex.js';

const PATTERNS = [
  [
    '^6\\.1',
    '6.1.*',
    '^6.1$',
    '^(5|6)\\.[0-9]+\\.0-[0-9]+-amd64$',
    '.*-rt-.*',
    '[[:digit:]]+',
    '^[^]a]',
    '[]a]',
  ],
  [
    '*a',
    'a**',
    'a+?',
    '^*a',
    'a|*b',
    'a{2}',
    'a{,2}',
    'a{2,1}',
    'a{',
    '{2}',
    'a{x}',
    'a{1,3}{2}',
    'x{32768}',
  ],
  [
    '()',
    '(|a)b',
    'a||b',
    '|a',
    'a)',
    '(a',
    '(a)\\1',
    '\\1',
    '[a-]',
    '[]-a]',
    '[a-c-e]',
    '[z-a]',
    '[a',
    '[\\]',
  ],
  [
    '[[.-.]]',
    '[[=a=]]',
    '[[:foo:]]',
    '[[:alpha:]-z]',
    '\\w+',
    '\\<a',
    'a\\>',
    'a\\',
    '\\.',
    'a$b',
    'a^b',
    '\\d',
  ],
].flat();
const TEXTS = [
  '',
  'a',
  'aa',
  'b',
  'ab',
  '6.1.0-53-amd64',
  '6.1.0-rt-x',
  'a)',
  'a{',
  'a{x}',
  ']',
  '-',
  '\\',
  'aab',
  'd',
  'z',
];

const hasBash = spawnSync('bash', ['-c', ':']).status === 0;

describe('POSIX extended expressions', () => {
  it.skipIf(!hasBash)("match as the C library's do, which bash uses", () => {
    const pairs = PATTERNS.flatMap((pattern) => TEXTS.map((text) => [pattern, text] as const));
    const script = 'while [ $# -gt 0 ]; do [[ $1 =~ $2 ]]; echo $?; shift 2; done 2>/dev/null';
    const args = pairs.flatMap(([pattern, text]) => [text, pattern]);
    const { stdout } = spawnSync('bash', ['-c', script, 'bash', ...args], {
      encoding: 'utf8',
      env: { LC_ALL: 'C' },
    });
    const expected = stdout.trim().split('\n');
    const refused = (regex: RegExp | undefined, text: string): string =>
      regex === undefined ? '2' : regex.test(text) ? '0' : '1';
    pairs.forEach(([pattern, text], i) => {
      expect([pattern, text, refused(posixRegex(pattern), text)]).toEqual([pattern, text, expected[i]]);
    });
  });
});
