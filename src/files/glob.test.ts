import { expect, it } from 'vitest';
import { globMatches, literalPrefix } from './glob.js';

it.each([
  ['a*c', 'abbbc', true],
  ['a*c', 'ac', true],
  ['a*c', 'acd', false],
  ['*a*b*', 'xxayybzz', true],
  ['*a*b*', 'xxbyya', false],
  ['a?c', 'a/c', true],
  ['a?c', 'ac', false],
  ['[a-c]x', 'bx', true],
  ['[!a-c]x', 'bx', false],
  ['[^a-c]x', 'dx', true],
  ['[]]x', ']x', true],
  ['[a', '[a', true],
  ['[\\]a]x', ']x', true],
  ['[[:digit:]-]x', '-x', true],
  ['[[:digit:]-]x', 'ax', false],
  ['[![:alpha:]]', '1', true],
  ['[[:nonsense:]]', 'n', false],
  ['[[.-.]a]', '-', true],
  ['[[:alpha:', '[[:alpha:', true],
  ['x\\', 'x\\', false],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['', '', true],
  ['*', '', true],
  ['plain', 'plain', true],
  ['plain', 'plane', false],
])('%s against %s is %s', (pattern, text, matches) => {
  expect(globMatches(pattern, text)).toBe(matches);
});

it('takes no time over many stars', () => {
  expect(globMatches(`${'a*'.repeat(30)}b`, 'a'.repeat(5000))).toBe(false);
});

it('knows the literal start of a pattern', () => {
  expect(literalPrefix('pci:v0*')).toBe('pci:v0');
  expect(literalPrefix('name')).toBe('name');
});
