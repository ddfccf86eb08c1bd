import { describe, expect, it } from 'vitest';
import { sameParameter, splitArguments } from './parse-args.js';

describe('splitArguments', () => {
  it('splits at white space, names from values at the first =', () => {
    expect(splitArguments('a=1  b=x=y\tc')).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: 'x=y' },
      { name: 'c', value: undefined },
    ]);
  });

  it('keeps what is quoted together and takes the quotes off', () => {
    expect(splitArguments('whom="two words" "x=1 2"')).toEqual([
      { name: 'whom', value: 'two words' },
      { name: 'x', value: '1 2' },
    ]);
  });

  it('has nothing for an empty string', () => {
    expect(splitArguments('  ')).toEqual([]);
  });
});

describe('sameParameter', () => {
  it('does not tell - from _', () => {
    expect(sameParameter('use-acpi', 'use_acpi')).toBe(true);
    expect(sameParameter('a', 'b')).toBe(false);
  });
});
