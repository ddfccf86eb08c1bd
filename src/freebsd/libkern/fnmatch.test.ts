import { describe, expect, it } from 'vitest';
import { Booted } from '../testing/booted.js';

describe('fnmatch(3)', () => {
  const booted = new Booted([]);
  const { k } = booted;
  const matches = (pattern: string, text: string, ...flags: readonly string[]): boolean => {
    const bits = flags.reduce((all, flag) => all | k.macro(flag), 0);
    const at = k.slab.allocateBytes(64, true);
    k.space.storeCstring(at, pattern);
    k.space.storeCstring(at + 32, text);
    return booted.run(k.callAs('i:ppi', k.fn('fnmatch'), at, at + 32, bits)) === 0;
  };

  it('knows any text, any character, and sets of characters', () => {
    expect(matches('md*.uzip', 'md0.uzip')).toBe(true);
    expect(matches('md?', 'md0')).toBe(true);
    expect(matches('md?', 'md10')).toBe(false);
    expect(matches('md[0-3]', 'md2')).toBe(true);
    expect(matches('md[!0-3]', 'md2')).toBe(false);
    expect(matches('md[]x]', 'md]')).toBe(true);
    expect(matches('md[', 'md[')).toBe(true);
    expect(matches('', '')).toBe(true);
    expect(matches('*', '')).toBe(true);
  });

  it('escapes with a backslash, unless it is told not to', () => {
    expect(matches('a\\*', 'a*')).toBe(true);
    expect(matches('a\\*', 'ab')).toBe(false);
    expect(matches('a\\b', 'a\\b', 'FNM_NOESCAPE')).toBe(true);
  });

  it('takes paths and leading periods apart where it is told to', () => {
    expect(matches('a*', 'a/b')).toBe(true);
    expect(matches('a*', 'a/b', 'FNM_PATHNAME')).toBe(false);
    expect(matches('*', '.x', 'FNM_PERIOD')).toBe(false);
    expect(matches('A*', 'ab', 'FNM_CASEFOLD')).toBe(true);
    expect(matches('a', 'a/b', 'FNM_LEADING_DIR')).toBe(true);
  });
});
