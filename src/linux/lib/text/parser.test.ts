import { describe, expect, it } from 'vitest';
import { globMatch, wildcardMatch } from './glob.js';
import { matchPattern } from './parser.js';

describe('matchPattern', () => {
  it('finds arguments', () => {
    expect(matchPattern('uid=%d', 'uid=-12')).toEqual([{ from: 4, to: 7 }]);
    expect(matchPattern('mode=%o', 'mode=0755')).toEqual([{ from: 5, to: 9 }]);
    expect(matchPattern('%s', '')).toBeUndefined();
    expect(matchPattern('ro', 'ro')).toEqual([]);
    expect(matchPattern('ro', 'rox')).toBeUndefined();
    expect(matchPattern('uid=%d', 'uid=x')).toBeUndefined();
    expect(matchPattern('a=%d%%', 'a=5%')).toEqual([{ from: 2, to: 3 }]);
    expect(matchPattern('%2s:%s', 'ab:c')).toEqual([
      { from: 0, to: 2 },
      { from: 3, to: 4 },
    ]);
  });
});

describe('patterns', () => {
  it.each<[string, string, boolean]>([
    ['*', '', true],
    ['a*c', 'abbc', true],
    ['a?c', 'ac', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[]]', ']', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a[', 'a[', true],
    ['a.c', 'abc', false],
  ])('%s on %s', (pattern, text, expected) => {
    expect(globMatch(pattern, text)).toBe(expected);
  });
  it('wildcards know no classes', () => {
    expect(wildcardMatch('a[b]*?', 'a[b]xyz')).toBe(true);
    expect(wildcardMatch('a*z', 'a\nz')).toBe(true);
  });
});
